//! `capture`: packets of a real flood, as tshark reads them, with what was decided.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use synguard::clock::Clock;
use synguard::dataplane::{Maps, Pins};
use synguard_tests::address::{CONTAINER, VICTIMS, client};
use synguard_tests::controller::Controller;
use synguard_tests::flood::{Flood, Plan};
use synguard_tests::lab::Lab;
use synguard_tests::program;
use synguard_tests::sender::Sender;
use synguard_tests::synguard::{Outcome, Synguard, outcome};
use synguard_tests::wait;
use tempfile::TempDir;

use crate::support::{is_served, number, plan, seed_plan, wait_for_bans, wait_for_status};

/// As long as any case: who captures ends it.
const LONG: u32 = 300_000;
const FIELDS: &str = "-T fields -e ip.src -e tcp.flags.syn -e tcp.flags.ack -e frame.len \
                      -e frame.comment";

/// A lab with both victims banned, and their flood going on.
fn flooded(arguments: &[&str]) -> Result<(Lab, Controller, Flood)> {
    let lab = Lab::new()?;
    let controller = lab.synguard.attach(arguments)?;
    let flood = Flood::start(&lab.topology, &Plan::seed(3_000, LONG))?;
    wait_for_bans(&lab.synguard, &controller)?;
    Ok((lab, controller, flood))
}

/// A line of a shell, in which `synguard` is the binary and `$IF` the interface.
fn typed(synguard: &Synguard, line: &str) -> Result<Outcome> {
    let script = format!(
        "IF={}; synguard() {{ \"$0\" \"$@\"; }}; {line}",
        synguard.uplink
    );
    outcome(&mut synguard.command_under(&["sh", "-c", &script]))
}

fn ensure_code(outcome: &Outcome, code: i32) -> Result<()> {
    ensure!(outcome.code == Some(code), "not {code}: {outcome:?}");
    ensure!(!outcome.stderr.contains("panicked"), "{outcome:?}");
    Ok(())
}

fn capture(synguard: &Synguard, arguments: &[&str]) -> Command {
    let mut command = synguard.command();
    command.args(["capture", &synguard.uplink]).args(arguments);
    command
}

/// Starts a capture and returns once it says that it is ready.
fn start(synguard: &Synguard, arguments: &[&str], stdout: impl Into<Stdio>) -> Result<Controller> {
    let mut command = capture(synguard, arguments);
    let capture = Controller::start_into(&mut command, stdout)?;
    capture.wait_for("capturing on")?;
    Ok(capture)
}

/// How many packets the summary says were captured, and how many left out for the rate.
fn summed_up(stderr: &str) -> Result<(u64, u64)> {
    let line = stderr.lines().find(|line| line.starts_with("captured "));
    let line = line.with_context(|| format!("no summary in {stderr}"))?;
    let after = |part: &str| {
        let rest = line.split_once(part)?.1;
        rest.split_whitespace().next()?.parse().ok()
    };
    Ok((
        after("captured ").context("no number")?,
        after("left out: ").unwrap_or(0),
    ))
}

#[test]
fn tshark_reads_the_stream_of_a_flood() -> Result<()> {
    let (lab, _controller, _flood) = flooded(&[])?;
    let line =
        format!("synguard capture $IF -w - --reason banned --count 60 | tshark -n -r - {FIELDS}");
    let read = typed(&lab.synguard, &line)?;
    ensure_code(&read, 0)?;
    let lines: Vec<_> = read.stdout.lines().collect();
    ensure!(lines.len() == 60, "{read:?}");
    for line in lines {
        let [source, syn, ack, len, comment] = line.split('\t').collect::<Vec<_>>()[..] else {
            anyhow::bail!("not five fields: {line}");
        };
        ensure!(
            VICTIMS.iter().any(|victim| victim.to_string() == source),
            "{line}"
        );
        ensure!(
            matches!(syn, "1" | "True") && matches!(ack, "0" | "False"),
            "{line}"
        );
        // As hping3 makes them.
        ensure!(len == "58", "{line}");
        let said = format!("dropped (banned) by its ban; {source}: ");
        ensure!(comment.starts_with(&said), "{line}");
        ensure!(
            comment.contains(" SYNs that no rule decided, ")
                && comment.ends_with("over the rate, 0 handshakes"),
            "{line}"
        );
    }
    let (captured, _) = summed_up(&read.stderr)?;
    ensure!(captured == 60, "{}", read.stderr);
    Ok(())
}

#[test]
fn the_file_names_interface_and_program() -> Result<()> {
    let (lab, _controller, _flood) = flooded(&[])?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("flood.pcapng");
    let name = file.to_string_lossy();
    let done = outcome(&mut capture(&lab.synguard, &["-w", &name, "--count", "20"]))?;
    ensure_code(&done, 0)?;
    ensure!(done.stdout.is_empty(), "{done:?}");
    ensure!(fs::metadata(&file)?.permissions().mode() & 0o777 == 0o600);
    let facts = program::run(Command::new("capinfos").arg(&file))?;
    for part in [
        "pcapng",
        "nanoseconds",
        "Capture application: synguard ",
        &format!("decided about them on {}", lab.synguard.uplink),
        &format!("Name = {}", lab.synguard.uplink),
        "Number of packets:   20",
    ] {
        ensure!(facts.contains(part), "no {part:?} in:\n{facts}");
    }
    // Its own kind is read too, and nothing is lost by a second capture.
    let replayed = lab.synguard.succeed(&["replay", &name])?;
    ensure!(replayed.stdout.contains("20 packets"), "{replayed:?}");
    let again = outcome(&mut capture(&lab.synguard, &["-w", &name]))?;
    ensure_code(&again, 2)?;
    ensure!(again.stderr.contains("there already"), "{again:?}");
    ensure!(program::run(Command::new("capinfos").arg(&file))? == facts);
    Ok(())
}

#[test]
fn a_rare_packet_is_found_in_a_flood() -> Result<()> {
    let (lab, _controller, _flood) = flooded(&[])?;
    let rare = client(0);
    let source = rare.to_string();
    let pcap = start(
        &lab.synguard,
        &[
            "--source",
            &source,
            "--reason",
            "syn_counted",
            "--count",
            "1",
        ],
        Stdio::piped(),
    )?;
    ensure!(is_served(&lab.topology, 0)?, "the client is not served");
    let text = read_to_end(pcap)?;
    let lines: Vec<_> = text.lines().collect();
    ensure!(lines.len() == 1, "{text}");
    for part in [
        &format!("{source}:") as &str,
        &format!("> {CONTAINER}:80 SYN seq "),
        "mss 1460",
        "passed (syn_counted); 198.51.100.",
        "(limit 50/s), 1 SYN seen, 0 dropped over the rate, 0 handshakes",
    ] {
        ensure!(text.contains(part), "no {part:?} in {text}");
    }
    Ok(())
}

fn read_to_end(mut pcap: Controller) -> Result<String> {
    let stdout = pcap.child().stdout.take().context("no stdout")?;
    let text = std::io::read_to_string(stdout)?;
    let (status, log) = pcap.wait()?;
    ensure!(status.success(), "{status}: {log}");
    Ok(text)
}

#[test]
fn a_flood_is_shown_at_a_bounded_rate() -> Result<()> {
    let (lab, _controller, _flood) = flooded(&[])?;
    let begun = Instant::now();
    let done = outcome(&mut capture(
        &lab.synguard,
        &["--rate", "20", "--count", "60"],
    ))?;
    let lasted = begun.elapsed();
    ensure_code(&done, 0)?;
    // The first two come at once.
    ensure!(lasted >= Duration::from_millis(2_800), "after {lasted:?}");
    let (captured, left_out) = summed_up(&done.stderr)?;
    ensure!(captured == 60 && left_out > 600, "{}", done.stderr);
    ensure!(done.stderr.contains("over the rate of 20/s"), "{done:?}");
    ensure!(
        is_served(&lab.topology, 1)?,
        "a client is not served meanwhile"
    );
    Ok(())
}

/// Until when the packet path shows packets, and what time it is for it.
fn lease(synguard: &Synguard) -> Result<(u64, u64)> {
    let uplink = synguard.uplink.clone();
    synguard.mounts.inside(move || -> Result<_> {
        let maps = Maps::open(&Pins::of(&uplink))?;
        let clock: Clock = maps.clock()?;
        Ok((maps.settings()?.samples_until, clock.now()))
    })?
}

#[test]
fn one_captures_at_a_time_and_a_killed_one_is_soon_over() -> Result<()> {
    let (lab, _controller, _flood) = flooded(&[])?;
    let first = start(&lab.synguard, &[], Stdio::null())?;
    let second = outcome(&mut capture(&lab.synguard, &[]))?;
    ensure_code(&second, 6)?;
    let pid = format!("(process {})", first.id());
    ensure!(second.stderr.contains(&pid), "{second:?}");
    let (until, now) = lease(&lab.synguard)?;
    ensure!(until > now, "{until} and {now}");
    first.kill()?;
    // Another begins at once, and gets none that were meant for the first.
    let reason = ["--reason", "syn_allowed"];
    let other = start(&lab.synguard, &reason, Stdio::piped())?;
    lab.synguard.succeed(&["allow", &VICTIMS[0].to_string()])?;
    wait_for_status(&lab.synguard, "allowed SYNs", |status| {
        Ok(number(status, "/passed/syn_allowed")? > 20)
    })?;
    let mut other = other;
    let stdout = other.child().stdout.take().context("no stdout")?;
    let (status, log) = other.interrupt()?;
    ensure!(
        status.success() && summed_up(&log)?.0 > 0,
        "{status}: {log}"
    );
    for line in std::io::read_to_string(stdout)?.lines() {
        ensure!(
            line.contains(": passed (syn_allowed) by a rule; 5.39.90.132: "),
            "{line}"
        );
    }
    ensure!(lease(&lab.synguard)?.0 == 0, "it did not give its lease up");

    start(&lab.synguard, &[], Stdio::null())?.kill()?;
    ensure!(lease(&lab.synguard)?.0 != 0, "it ended before its time");
    wait::until_true("the end of a lease", wait::GENEROUS, || {
        lease(&lab.synguard).is_ok_and(|(until, _)| until == 0)
    })?;
    wait_for_status(&lab.synguard, "the filter goes on", |status| {
        Ok(number(status, "/dropped/banned")? > 0)
    })?;
    Ok(())
}

#[test]
fn it_goes_on_while_another_controller_takes_over() -> Result<()> {
    let (lab, controller, _flood) = flooded(&[])?;
    let pcap = start(&lab.synguard, &["--count", "400"], Stdio::piped())?;
    controller.kill()?;
    let _controller = lab.synguard.attach(&[])?;
    let text = read_to_end(pcap)?;
    ensure!(
        text.lines().count() == 400,
        "{} lines",
        text.lines().count()
    );
    Ok(())
}

#[test]
fn who_has_seen_enough_ends_it() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    // Nothing comes, so nothing is ever written: the reader's end must show otherwise.
    for arguments in [&[][..], &["-w", "-"]] {
        let mut pcap = start(&lab.synguard, arguments, Stdio::piped())?;
        drop(pcap.child().stdout.take());
        let (status, log) = pcap.wait()?;
        ensure!(status.success(), "{status}: {log}");
        ensure!(summed_up(&log)? == (u64::from(false), 0), "{log}");
    }
    // One that does not read must not keep it from ending.
    let stuck = start(
        &lab.synguard,
        &["-w", "-", "--rate", "10000"],
        Stdio::piped(),
    )?;
    let flood = Sender::start(&lab.topology, &seed_plan(5_000, 20_000))?;
    controller.wait_for("promoted")?;
    wait_for_status(&lab.synguard, "more than a pipe holds", |status| {
        Ok(number(status, "/dropped/total")? > 5_000)
    })?;
    let (status, log) = stuck.terminate()?;
    ensure!(
        status.success() && summed_up(&log)?.0 > 0,
        "{status}: {log}"
    );
    flood.stop()?;

    let detached = start(&lab.synguard, &[], Stdio::null())?;
    controller.terminate()?;
    let (status, log) = detached.wait()?;
    ensure!(status.code() == Some(3), "{status}: {log}");
    ensure!(
        log.contains("was detached") && summed_up(&log).is_ok(),
        "{log}"
    );
    Ok(())
}

#[test]
fn a_dry_run_shows_what_would_have_been() -> Result<()> {
    let lab = Lab::without_services()?;
    let _controller = lab.synguard.attach(&["--dry-run"])?;
    let _flood = Sender::start(&lab.topology, &plan(&[VICTIMS[0].into()], 1_000, 60_000))?;
    let done = outcome(&mut capture(
        &lab.synguard,
        &[
            "--reason",
            "banned",
            "--reason",
            "rate_limited",
            "--count",
            "30",
        ],
    ))?;
    ensure_code(&done, 0)?;
    for line in done.stdout.lines() {
        let said = ": passed in a dry run, would have been dropped (";
        ensure!(line.contains(said), "{line}");
    }
    Ok(())
}

#[test]
fn what_makes_no_sense_is_refused() -> Result<()> {
    let lab = Lab::without_services()?;
    let not_attached = outcome(&mut capture(&lab.synguard, &["-w", "-"]))?;
    ensure_code(&not_attached, 3)?;
    ensure!(
        not_attached.stderr.contains("synguard attach"),
        "{not_attached:?}"
    );
    ensure!(not_attached.stdout.is_empty(), "{not_attached:?}");

    let _controller = lab.synguard.attach(&[])?;
    for (arguments, words) in [
        (&["--reason", "nonsense"][..], "rate_limited"),
        (&["--source", "example.org"], "no address"),
        (&["--source", "10.0.0.1/8"], "beyond its prefix"),
        (&["--rate", "0"], "--rate"),
        (&["--count", "0"], "--count"),
        (&["-w", "/no/such/folder/x"], "/no/such/folder/x"),
        (&["-w", "/proc"], "/proc"),
    ] {
        let refused = outcome(&mut capture(&lab.synguard, arguments))?;
        ensure_code(&refused, 2).with_context(|| format!("{arguments:?}"))?;
        ensure!(
            refused.stderr.contains(words),
            "no {words:?} in {refused:?}"
        );
    }
    let terminal = typed(
        &lab.synguard,
        "script -qefc \"$0 capture $IF -w -\" /dev/null </dev/null",
    )?;
    ensure!(terminal.code == Some(2), "{terminal:?}");
    ensure!(
        terminal.stdout.contains("nothing for a terminal"),
        "{terminal:?}"
    );
    Ok(())
}

#[test]
fn a_pipe_that_nobody_reads_is_not_waited_for() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    let folder = TempDir::new()?;
    let pipe = folder.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
    let pipe = pipe.to_str().context("a path that is no text")?;
    let refused = lab
        .synguard
        .run(&["capture", &lab.synguard.uplink, "-w", pipe])?;
    ensure!(refused.code == Some(2), "{refused:?}");
    ensure!(
        refused.stderr.contains("start the reader first"),
        "{refused:?}"
    );
    controller.terminate()?;
    Ok(())
}
