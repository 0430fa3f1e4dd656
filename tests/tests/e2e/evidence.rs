//! The first packets of each ban, on disk: whole, bounded, there after a crash, and never
//! in the way of filtering.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard::evidence::{BOUNDS, PACKETS, STATE, folder};
use synguard_tests::address::{CONTAINER, VICTIM6, VICTIMS};
use synguard_tests::lab::Lab;
use synguard_tests::program;
use synguard_tests::sender::Sender;
use synguard_tests::synguard::Synguard;
use synguard_tests::wait;

use crate::support::{bans, number, plan, wait_for_status};

/// The files of evidence with their sizes, by name: the oldest first.
fn files(synguard: &Synguard, state: &str) -> Result<Vec<(PathBuf, u64)>> {
    let folder = folder(Path::new(state), &synguard.uplink);
    synguard.mounts.inside(move || {
        let mut files: Vec<_> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.len())))
            .collect();
        files.sort();
        files
    })
}

/// The files of one source.
fn files_of(synguard: &Synguard, state: &str, source: &str) -> Result<Vec<PathBuf>> {
    let ending = format!("-{source}.pcapng");
    let files = files(synguard, state)?.into_iter().map(|(path, _)| path);
    Ok(files
        .filter(|path| path.to_string_lossy().ends_with(&ending))
        .collect())
}

/// Source and comment of each packet in a file, as tshark reads it.
fn packets(synguard: &Synguard, file: &Path) -> Result<Vec<(String, String)>> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-T", "fields", "-e", "ip.src", "-e", "ipv6.src"]);
    tshark.args(["-e", "frame.comment", "-r"]).arg(file);
    synguard.mounts.enter(&mut tshark);
    let lines = program::run(&mut tshark)?;
    let packet = |line: &str| {
        let [v4, v6, comment] = line.split('\t').collect::<Vec<_>>()[..] else {
            anyhow::bail!("not three fields: {line}");
        };
        Ok((format!("{v4}{v6}"), comment.to_owned()))
    };
    lines.lines().map(packet).collect()
}

/// Waits until so many packets of a source are kept in its newest file.
fn wait_for_packets(
    synguard: &Synguard,
    state: &str,
    source: &str,
    least: usize,
) -> Result<Vec<(String, String)>> {
    let what = format!("{least} packets of {source}");
    wait::until(&what, wait::GENEROUS, || {
        let file = files_of(synguard, state, source).ok()?.pop()?;
        let packets = packets(synguard, &file).ok()?;
        (packets.len() >= least).then_some(packets)
    })
}

fn flood(lab: &Lab, source: IpAddr) -> Result<u64> {
    Sender::start(&lab.topology, &plan(&[source], 1_000, 2_500))?.finish()
}

fn wait_for_ban(synguard: &Synguard, source: &str) -> Result<()> {
    wait_for_status(synguard, &format!("a ban of {source}"), |status| {
        Ok(bans(status).iter().any(|ban| ban == source))
    })?;
    Ok(())
}

/// What the report says of a source, as JSON.
fn reported(synguard: &Synguard, source: &str) -> Result<Value> {
    let report = synguard.succeed(&["report", source, "--offline", "--json"])?;
    Ok(serde_json::from_str(&report.stdout)?)
}

#[test]
fn a_ban_keeps_its_first_packets_and_the_report_shows_them() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    let [victim, _] = VICTIMS.map(|victim| victim.to_string());
    flood(&lab, VICTIMS[0].into())?;
    wait_for_ban(synguard, &victim)?;
    // The one that it was reported for, and the first that the ban dropped.
    let kept = wait_for_packets(synguard, STATE, &victim, 6)?;
    ensure!(kept.len() <= PACKETS, "{kept:#?}");
    for (source, comment) in &kept {
        ensure!(*source == victim, "{kept:#?}");
        ensure!(comment.contains(&format!("; {victim}: ")), "{kept:#?}");
    }
    ensure!(
        kept[0].1.starts_with("dropped (rate_limited); "),
        "{kept:#?}"
    );
    ensure!(
        kept[kept.len() - 1]
            .1
            .starts_with("dropped (banned) by its ban; "),
        "{kept:#?}"
    );
    let file = files_of(synguard, STATE, &victim)?
        .pop()
        .context("no file")?;
    let mode = synguard
        .mounts
        .inside(|| fs::metadata(&file).map(|facts| facts.permissions().mode()))??;
    ensure!(mode & 0o777 == 0o600, "{mode:o}");

    let report = reported(synguard, &victim)?;
    let samples = report["evidence"][0]["samples"]
        .as_array()
        .context("no samples")?;
    ensure!(samples.len() == kept.len(), "{report:#}");
    let mail = synguard.succeed(&["report", &victim, "--offline"])?.stdout;
    ensure!(
        mail.contains(&format!("{victim}:80 > {CONTAINER}:")),
        "{mail}"
    );

    // With one source that is a whole prefix.
    flood(&lab, VICTIM6.into())?;
    wait_for_ban(synguard, "2001:db8:bad::/64")?;
    let kept = wait_for_packets(synguard, STATE, "2001-db8-bad--_64", 6)?;
    ensure!(
        kept.iter()
            .all(|(source, _)| *source == VICTIM6.to_string()),
        "{kept:#?}"
    );
    let report = reported(synguard, &VICTIM6.to_string())?;
    ensure!(
        report["evidence"][0]["samples"]
            .as_array()
            .is_some_and(|all| all.len() >= 6)
    );

    // Where it is looked for elsewhere there is none, and a report all the same.
    let elsewhere = [
        "report",
        &victim,
        "--offline",
        "--json",
        "--state-dir",
        "/nowhere",
    ];
    let report: Value = serde_json::from_str(&synguard.succeed(&elsewhere)?.stdout)?;
    ensure!(report["evidence"][0]["samples"] == Value::Array(Vec::new()));
    controller.terminate()?;
    // Nor does its removal, which ends the bans.
    synguard.succeed(&["detach", &synguard.uplink])?;
    ensure!(
        files(synguard, STATE)?.len() == 2,
        "the filter's end took them along"
    );

    // A new filter knows nothing of it, and says where its packets are.
    let _controller = synguard.attach(&[])?;
    let unknown = synguard.run(&["report", &victim, "--offline"])?;
    ensure!(unknown.code == Some(3), "{unknown:?}");
    let place = folder(Path::new(STATE), &synguard.uplink);
    ensure!(
        unknown.stderr.contains(&place.display().to_string()),
        "{unknown:?}"
    );
    Ok(())
}

#[test]
fn a_crash_loses_nothing_that_was_kept() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    let [first, second] = VICTIMS.map(|victim| victim.to_string());
    flood(&lab, VICTIMS[0].into())?;
    let kept = wait_for_packets(synguard, STATE, &first, 6)?;
    controller.kill()?;
    let _controller = synguard.attach(&[])?;
    flood(&lab, VICTIMS[1].into())?;
    wait_for_packets(synguard, STATE, &second, 6)?;
    // The ban that goes on has its packets already.
    flood(&lab, VICTIMS[0].into())?;
    let files = files_of(synguard, STATE, &first)?;
    ensure!(files.len() == 1, "{files:?}");
    ensure!(packets(synguard, &files[0])? == kept);
    Ok(())
}

#[test]
fn a_dry_run_keeps_evidence_too() -> Result<()> {
    let lab = Lab::without_services()?;
    let folder = tempfile::tempdir()?;
    let state = folder.path().to_string_lossy().into_owned();
    let controller = lab.synguard.attach(&["--dry-run", "--state-dir", &state])?;
    let victim = VICTIMS[0].to_string();
    flood(&lab, VICTIMS[0].into())?;
    controller.wait_for(&format!("would have promoted {victim}"))?;
    let kept = wait_for_packets(&lab.synguard, &state, &victim, 6)?;
    for (_, comment) in &kept {
        ensure!(
            comment.starts_with("passed in a dry run, would have been dropped ("),
            "{comment}"
        );
    }
    ensure!(files(&lab.synguard, STATE)?.is_empty());
    Ok(())
}

#[test]
fn the_oldest_bans_make_room() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let place = folder(Path::new(STATE), &synguard.uplink);
    let most = BOUNDS.files;
    let old = |number: usize| {
        let (minutes, seconds) = (number / 60, number % 60);
        format!("20260101T00{minutes:02}{seconds:02}Z-10.0.0.1.pcapng")
    };
    synguard.mounts.inside(|| -> Result<()> {
        fs::create_dir_all(&place)?;
        for number in 0..most + 20 {
            fs::write(place.join(old(number)), [0; 100])?;
        }
        Ok(fs::write(place.join("README"), "mine")?)
    })??;
    let _controller = synguard.attach(&[])?;
    let victim = VICTIMS[0].to_string();
    flood(&lab, VICTIMS[0].into())?;
    wait_for_packets(synguard, STATE, &victim, 6)?;
    let left = files(synguard, STATE)?;
    // With the one that is nobody's business.
    ensure!(left.len() == most + 1, "{} files", left.len());
    ensure!(left.iter().map(|(_, size)| size).sum::<u64>() <= BOUNDS.bytes);
    let is_there = |name: String| left.iter().any(|(path, _)| path.ends_with(&name));
    ensure!(!is_there(old(0)) && !is_there(old(20)) && is_there(old(21)));
    ensure!(is_there("README".to_owned()));
    Ok(())
}

/// So many sources, each banned in turn, while nothing can be kept at `state`.
fn ensure_filtered_all_the_same(lab: &Lab, state: &str, sources: u8) -> Result<()> {
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--state-dir", state])?;
    for number in 1..=sources {
        let source = Ipv4Addr::new(8, 8, 4, number);
        flood(lab, source.into())?;
        controller.wait_for(&format!("promoted {source} "))?;
    }
    controller.wait_for("cannot be kept as evidence")?;
    wait_for_status(synguard, "drops by ban", |status| {
        Ok(number(status, "/dropped/banned")? > 100 * u64::from(sources))
    })?;
    let (status, log) = controller.terminate()?;
    ensure!(status.success(), "{status}: {log}");
    let said = log.matches("cannot be kept as evidence").count();
    ensure!(said == 1, "said {said} times:\n{log}");
    ensure!(!log.contains("ERROR"), "{log}");
    Ok(())
}

#[test]
fn where_nothing_can_be_kept_filtering_goes_on() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let scratch = tempfile::tempdir()?;
    let path = |name: &str| scratch.path().join(name);
    let (full, read_only, file) = (path("full"), path("read-only"), path("file"));
    fs::write(&file, "no folder")?;
    synguard.mounts.full_disk(&full)?;
    synguard.mounts.read_only_disk(&read_only)?;
    for state in [&full, &read_only, &file] {
        ensure_filtered_all_the_same(&lab, &state.to_string_lossy(), 3)
            .with_context(|| format!("{}", state.display()))?;
    }
    ensure!(fs::read(&file)? == b"no folder");
    Ok(())
}

#[test]
fn it_is_kept_again_when_there_is_room() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let scratch = tempfile::tempdir()?;
    let blocked = scratch.path().join("state");
    fs::write(&blocked, "no folder")?;
    let state = blocked.to_string_lossy().into_owned();
    let controller = synguard.attach(&["--state-dir", &state])?;
    flood(&lab, VICTIMS[0].into())?;
    controller.wait_for("cannot be kept as evidence")?;
    fs::remove_file(&blocked)?;
    flood(&lab, VICTIMS[1].into())?;
    controller.wait_for("are kept again")?;
    wait_for_packets(synguard, &state, &VICTIMS[1].to_string(), 6)?;
    Ok(())
}
