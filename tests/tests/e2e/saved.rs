//! What survives a reboot, and what becomes of a file that cannot be used.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard::evidence::STATE;
use synguard::saved::Kind;
use synguard_tests::address::{VICTIMS, client, is_victim};
use synguard_tests::capture::Capture;
use synguard_tests::controller::Controller;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::CONTAINER_END;
use synguard_tests::wait;
use tempfile::NamedTempFile;

use crate::support::{
    bans, flood_until_banned, is_served, is_turned_away, number, rules, seed_plan, victims,
    wait_for_bans, wait_for_more_drops, wait_for_status,
};

/// A ban of a test lasts so long, in seconds: more than any of them takes.
const BAN: u64 = 600;

fn path(synguard: &Synguard, state: &str, kind: Kind) -> PathBuf {
    kind.path(Path::new(state), &synguard.uplink)
}

/// What a file says; nothing where it is not there.
fn read(synguard: &Synguard, kind: Kind) -> Result<String> {
    let path = path(synguard, STATE, kind);
    synguard
        .mounts
        .inside(|| fs::read_to_string(path).unwrap_or_default())
}

fn write(synguard: &Synguard, kind: Kind, text: &str) -> Result<()> {
    let path = path(synguard, STATE, kind);
    Ok(synguard.mounts.inside(|| fs::write(path, text))??)
}

/// Waits until a file says all of that.
fn wait_for_saved(synguard: &Synguard, kind: Kind, parts: &[&str]) -> Result<String> {
    wait::until(&format!("{parts:?} to be saved"), wait::GENEROUS, || {
        let text = read(synguard, kind).ok()?;
        parts.iter().all(|part| text.contains(part)).then_some(text)
    })
}

/// Both sources of the story are banned, and that is saved.
fn banned(lab: &Lab, arguments: &[&str]) -> Result<Controller> {
    let controller = lab.synguard.attach(arguments)?;
    flood_until_banned(lab, &controller)?;
    let [first, second] = victims().map_saved();
    wait_for_saved(&lab.synguard, Kind::Bans, &[&first, &second])?;
    Ok(controller)
}

/// How a file names the sources of the story.
trait MapSaved {
    fn map_saved(self) -> [String; 2];
}

impl MapSaved for Vec<String> {
    fn map_saved(self) -> [String; 2] {
        let saved = |kind: &str, name: &String| format!("{{\"{kind}\":{{\"source\":\"{name}/32\"");
        [saved("ban", &self[0]), saved("ban", &self[1])]
    }
}

fn rule(status: &Value, prefix: &str) -> Result<Value> {
    let all = status["rules"].as_array().context("no rules")?;
    let rule = all.iter().find(|rule| rule["prefix"] == prefix);
    rule.cloned()
        .with_context(|| format!("no rule of {prefix}: {status:#}"))
}

fn left(status: &Value, prefix: &str) -> Result<u64> {
    number(&rule(status, prefix)?, "/expires_in_seconds")
}

#[test]
fn bans_and_what_people_said_survive_a_reboot() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = banned(&lab, &[])?;
    let (blocked, listed) = (client(0).to_string(), client(1).to_string());
    let mut list = NamedTempFile::new()?;
    writeln!(list, "{listed}\n203.0.113.0/24")?;
    let list = list.path().to_str().context("no text")?;
    synguard.succeed(&["import", list, "--list", "drop", "--scope", "all"])?;
    synguard.succeed(&["block", &blocked, "--for", "1h"])?;
    synguard.succeed(&["allow", "198.51.100.200"])?;
    wait_for_saved(
        synguard,
        Kind::Rules,
        &["\"drop\"", "/32\",\"action\":\"allow\"", &listed, &blocked],
    )?;
    let before = synguard.status()?;
    controller.kill()?;
    synguard.reboot()?;

    let leaks = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    let controller = synguard.attach(&[])?;
    controller.wait_for("brought back 2 bans and the history of 2 offenders, saved at")?;
    controller.wait_for("brought back 2 blocks and allows, 1 list with 2 prefixes, saved at")?;
    // From the very first one on.
    let flood = Sender::start(&lab.topology, &seed_plan(2_000, 200_000))?;
    let status = wait_for_more_drops(synguard, &synguard.status()?, 2_000)?;
    flood.stop()?;
    ensure!(leaks.finish()? == 0, "SYNs of banned sources came through");
    ensure!(bans(&status) == victims(), "{status:#}");
    ensure!(
        rules(&status, "block", "manual") == [blocked.clone()],
        "{status:#}"
    );
    ensure!(
        rules(&status, "allow", "manual") == ["198.51.100.200"],
        "{status:#}"
    );
    for victim in victims() {
        let (then, now) = (rule(&before, &victim)?, rule(&status, &victim)?);
        ensure!(
            left(&status, &victim)? <= left(&before, &victim)?,
            "{status:#}"
        );
        for field in [
            "class",
            "syns",
            "syns_per_second",
            "source_port",
            "offences",
        ] {
            ensure!(
                now["evidence"][field] == then["evidence"][field],
                "{then:#} {now:#}"
            );
        }
    }
    ensure!(left(&status, &blocked)? <= 3600, "{status:#}");
    let lists = status["lists"].as_array().context("no lists")?;
    ensure!(lists.len() == 1 && lists[0]["name"] == "drop", "{status:#}");
    ensure!(
        lists[0]["imported_at"] == before["lists"][0]["imported_at"],
        "{status:#}"
    );
    ensure!(
        lists[0]["scope"] == "all" && number(&lists[0], "/prefixes")? == 2,
        "{status:#}"
    );
    for client in 0..2 {
        ensure!(is_turned_away(&lab.topology, client)?, "client {client}");
    }
    ensure!(is_served(&lab.topology, 2)?, "the third client");
    // Who offends again does so for the second time.
    synguard.succeed(&["unlist", "drop"])?;
    synguard.succeed(&["unblock", &blocked])?;
    ensure!(is_served(&lab.topology, 0)? && is_served(&lab.topology, 1)?);
    controller.terminate()?;
    Ok(())
}

#[test]
fn a_stop_forgets_nothing_and_detach_everything() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    banned(&lab, &[])?.terminate()?;
    ensure!(synguard.pins()?.is_empty());
    let controller = synguard.attach(&[])?;
    controller.wait_for("brought back 2 bans")?;
    ensure!(bans(&synguard.status()?) == victims());
    synguard.succeed(&["detach", &synguard.uplink])?;
    let (_, log) = controller.wait()?;
    ensure!(log.contains("detached by another command"), "{log}");
    for kind in [Kind::Bans, Kind::Rules] {
        ensure!(read(synguard, kind)?.is_empty(), "{kind:?} is still there");
    }
    let controller = synguard.attach(&[])?;
    ensure!(bans(&synguard.status()?).is_empty());
    // Without a filter there still is what was saved.
    controller.terminate()?;
    ensure!(!read(synguard, Kind::Rules)?.is_empty());
    synguard.succeed(&["detach", &synguard.uplink])?;
    ensure!(read(synguard, Kind::Rules)?.is_empty());
    let nothing = synguard.run(&["detach", &synguard.uplink])?;
    ensure!(nothing.code == Some(3), "{nothing:?}");
    Ok(())
}

/// The text with all dates that much earlier, in seconds; later, if less than none.
fn moved(text: &str, seconds: i64) -> Result<String> {
    const DATE: usize = "2026-11-23T04:37:12.123Z".len();
    let mut moved = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\"20") {
        let (before, from) = rest.split_at(at + 1);
        moved.push_str(before);
        let date = from
            .get(..DATE)
            .and_then(|date| humantime::parse_rfc3339(date).ok());
        let Some(date) = date else {
            moved.push_str(&from[..1]);
            rest = &from[1..];
            continue;
        };
        let by = std::time::Duration::from_secs(seconds.unsigned_abs());
        let date = if seconds > 0 { date - by } else { date + by };
        moved.push_str(&humantime::format_rfc3339_millis(date).to_string());
        rest = &from[DATE..];
    }
    moved.push_str(rest);
    ensure!(moved != text, "no dates in {text}");
    Ok(moved)
}

#[test]
fn time_goes_on_while_the_host_is_off_and_never_back() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    banned(&lab, &[])?.kill()?;
    let saved = read(synguard, Kind::Bans)?;
    let [victim, _] = VICTIMS.map(|victim| victim.to_string());
    for (earlier, most, least) in [
        // Off for four minutes.
        (240, BAN - 240, 1),
        // The clock was set back by a day: nobody knows for how long it was off.
        (-86_400, BAN, BAN - 120),
    ] {
        synguard.reboot()?;
        write(synguard, Kind::Bans, &moved(&saved, earlier)?)?;
        let controller = synguard.attach(&[])?;
        let status = synguard.status()?;
        let left = left(&status, &victim)?;
        ensure!((least..=most).contains(&left), "{earlier}: {left} s left");
        let said = controller.text().contains("the clock stands before that");
        ensure!(said == (earlier < 0), "{}", controller.text());
        controller.kill()?;
    }
    // For longer than they had to last.
    synguard.reboot()?;
    write(synguard, Kind::Bans, &moved(&saved, 700)?)?;
    let controller = synguard.attach(&[])?;
    controller.wait_for("brought back 0 bans and the history of 2 offenders, not 2 over by now")?;
    ensure!(bans(&synguard.status()?).is_empty());
    Ok(())
}

#[test]
fn what_cannot_be_used_is_set_aside_and_named() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    banned(&lab, &[])?.kill()?;
    let saved = read(synguard, Kind::Bans)?;
    let path = path(synguard, STATE, Kind::Bans);
    let owned = |user| synguard.mounts.inside(|| chown(&path, Some(user), None));
    for (text, owner, reason) in [
        (saved.clone(), 1000, "it belongs to user 1000, not to 0"),
        (
            saved[..saved.len() - 40].to_owned(),
            0,
            "it is cut off, or too long",
        ),
        (
            saved
                .lines()
                .take(2)
                .map(|line| format!("{line}\n"))
                .collect(),
            0,
            "it ends after 1 of",
        ),
        (
            saved.replacen("\"version\":1", "\"version\":2", 1),
            0,
            "version 2, this build knows 1",
        ),
        ("\0\0\0\0\0\0\0\0\n".to_owned(), 0, "line 1: expected value"),
        (String::new(), 0, "it is empty"),
    ] {
        synguard.reboot()?;
        write(synguard, Kind::Bans, &text)?;
        owned(owner)??;
        let controller = synguard.attach(&[])?;
        let line = controller.wait_for("it is set aside as")?.text;
        let named = path.display().to_string();
        ensure!(
            line.contains(&named) && line.contains(reason),
            "{reason}: {line}"
        );
        ensure!(bans(&synguard.status()?).is_empty(), "{reason}");
        let aside = line
            .split("set aside as ")
            .nth(1)
            .and_then(|rest| rest.split(',').next());
        let aside = PathBuf::from(aside.context("no name")?);
        let kept = synguard.mounts.inside(|| fs::read_to_string(aside))??;
        ensure!(kept == text, "{reason}: {kept}");
        controller.kill()?;
    }
    Ok(())
}

#[test]
fn what_a_person_allowed_stays_open() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = banned(&lab, &[])?;
    let saved = read(synguard, Kind::Bans)?;
    let [allowed, banned] = VICTIMS.map(|victim| victim.to_string());
    synguard.succeed(&["allow", &allowed])?;
    wait_for_saved(synguard, Kind::Rules, &[&allowed])?;
    controller.kill()?;
    // As if it had been killed before it saved the bans once more.
    write(synguard, Kind::Bans, &saved)?;
    synguard.reboot()?;
    let controller = synguard.attach(&[])?;
    controller.wait_for("brought back 1 ban and the history")?;
    let status = synguard.status()?;
    ensure!(bans(&status) == [banned], "{status:#}");
    ensure!(rules(&status, "allow", "manual") == [allowed], "{status:#}");
    Ok(())
}

#[test]
fn bans_of_a_dry_run_become_real_after_no_reboot() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--dry-run"])?;
    Sender::start(&lab.topology, &seed_plan(4_000, 8_000))?.finish()?;
    controller.wait_for("would have promoted")?;
    let [first, second] = victims().map_saved();
    wait_for_saved(synguard, Kind::Bans, &[&first, &second])?;
    controller.kill()?;
    synguard.reboot()?;
    let _controller = synguard.attach(&[])?;
    ensure!(bans(&synguard.status()?).is_empty());
    Ok(())
}

#[test]
fn what_finds_no_room_is_said() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    let mut list = NamedTempFile::new()?;
    for number in 0..2_000 {
        writeln!(list, "10.0.{}.{}", number / 250, number % 250)?;
    }
    let list = list.path().to_str().context("no text")?;
    synguard.succeed(&["import", list, "--list", "many"])?;
    wait_for_saved(synguard, Kind::Rules, &["10.0.7.249/32"])?;
    controller.kill()?;
    synguard.reboot()?;
    let controller = synguard.attach(&["--max-rules", "1024"])?;
    let line = controller.wait_for("found no room")?.text;
    ensure!(line.contains("--max-rules"), "{line}");
    // There is room yet for what is found from now on.
    synguard.succeed(&["block", "192.0.2.99"])?;
    Ok(())
}

/// Nothing can be saved at `state`: that is said once, and filtering goes on.
fn ensure_filtered_all_the_same(lab: &Lab, state: &str) -> Result<()> {
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--state-dir", state])?;
    controller.wait_for("cannot be saved for after a reboot")?;
    let flood = Sender::start(&lab.topology, &seed_plan(4_000, 100_000))?;
    let status = wait_for_bans(synguard, &controller)?;
    wait_for_more_drops(synguard, &status, 10_000)?;
    flood.stop()?;
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    let said = log.matches("cannot be saved for after a reboot").count();
    ensure!(said == 1, "said {said} times:\n{log}");
    ensure!(!log.contains("ERROR"), "{log}");
    Ok(())
}

#[test]
fn a_full_or_read_only_disk_is_said_once_and_ends_nothing() -> Result<()> {
    let lab = Lab::without_services()?;
    let scratch = tempfile::tempdir()?;
    let (full, read_only) = (
        scratch.path().join("full"),
        scratch.path().join("read-only"),
    );
    lab.synguard.mounts.full_disk(&full)?;
    lab.synguard.mounts.read_only_disk(&read_only)?;
    for state in [&full, &read_only] {
        ensure_filtered_all_the_same(&lab, &state.to_string_lossy())
            .with_context(|| format!("{}", state.display()))?;
    }
    Ok(())
}

#[test]
fn it_is_saved_again_when_there_is_room() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let scratch = tempfile::tempdir()?;
    let blocked = scratch.path().join("state");
    fs::write(&blocked, "no folder")?;
    let state = blocked.to_string_lossy().into_owned();
    let controller = synguard.attach(&["--state-dir", &state])?;
    controller.wait_for("cannot be saved for after a reboot")?;
    fs::remove_file(&blocked)?;
    controller.wait_for("bans and rules are saved again")?;
    for kind in [Kind::Bans, Kind::Rules] {
        ensure!(path(synguard, &state, kind).exists());
    }
    Ok(())
}

#[test]
fn a_panic_is_not_undone_by_a_reboot() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    // Nobody is there to save that they are lifted.
    banned(&lab, &[])?.kill()?;
    synguard.succeed(&["panic", &synguard.uplink])?;
    synguard.reboot()?;
    let _controller = synguard.attach(&[])?;
    let status = wait_for_status(synguard, "a status", |_| Ok(true))?;
    ensure!(bans(&status).is_empty(), "{status:#}");
    Ok(())
}
