//! Events in a file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::Value;
use synguard_tests::address::VICTIMS;
use synguard_tests::lab::Lab;

use super::{events, flood, text, wait_for_event};
use crate::config::{file, path};
use crate::support::{ensure_untouched, number, wait_for_status};

const FAILED: Option<i32> = Some(1);

fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect()
}

#[test]
fn whatever_happens_is_an_event() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let folder = tempfile::tempdir()?;
    let told = folder.path().join("events.jsonl");
    let settings = file("syn-rate = 60\n")?;
    let controller = synguard.attach(&[
        "--config",
        path(&settings)?,
        "--events",
        text(&told)?,
        "--ban-time",
        "3s",
        "--confirm-within",
        "10m",
    ])?;
    synguard.succeed(&["confirm"])?;
    wait_for_event(&told, "confirmed")?;
    flood(&lab, VICTIMS[0])?;
    let promoted = wait_for_event(&told, "promoted")?;
    ensure!(
        promoted["source"] == *VICTIMS[0].to_string(),
        "{promoted:#}"
    );
    ensure!(promoted["class"] == "reflection", "{promoted:#}");
    ensure!(promoted["ban_seconds"] == 3.0 && promoted["offence"] == 1);
    ensure!(number(&promoted, "/syns_per_second")? > 60, "{promoted:#}");
    let lifted = wait_for_event(&told, "lifted")?;
    ensure!(lifted["reason"] == "expired" && lifted["rule"] == "ban");
    fs::write(&settings, "syn-rate = 70\n")?;
    synguard.succeed(&["reload"])?;
    let reloaded = wait_for_event(&told, "reloaded")?;
    ensure!(reloaded["refused"].is_null(), "{reloaded:#}");
    synguard.succeed(&["panic"])?;
    wait_for_event(&told, "panic_begun")?;
    synguard.succeed(&["panic", "--over"])?;
    wait_for_event(&told, "panic_over")?;
    controller.terminate()?;
    let events = events(&told)?;
    for event in &events {
        ensure!(event["schema_version"] == 1, "{event:#}");
        ensure!(event["interface"] == *synguard.uplink, "{event:#}");
        humantime::parse_rfc3339(event["time"].as_str().context("no time")?)?;
    }
    let names = names(&events);
    ensure!(names[0] == "attached", "{names:?}");
    ensure!(names.last() == Some(&"detached"), "{names:?}");
    let mode = fs::metadata(&told)?.permissions().mode();
    ensure!(mode & 0o137 == 0, "{mode:o}");
    Ok(())
}

#[test]
fn a_file_that_was_moved_is_opened_anew_at_a_reload() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let folder = tempfile::tempdir()?;
    let (told, moved) = (folder.path().join("events"), folder.path().join("events.1"));
    let controller = synguard.attach(&["--events", text(&told)?])?;
    wait_for_event(&told, "attached")?;
    fs::rename(&told, &moved)?;
    synguard.succeed(&["reload"])?;
    wait_for_event(&told, "reloaded")?;
    controller.terminate()?;
    ensure!(names(&events(&moved)?) == ["attached"]);
    ensure!(names(&events(&told)?) == ["reloaded", "detached"]);
    Ok(())
}

#[test]
fn standard_output_and_another_file_by_reload() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let folder = tempfile::tempdir()?;
    let (first, second) = (folder.path().join("1"), folder.path().join("2"));
    let settings = file(&format!("events = \"{}\"\n", first.display()))?;
    let controller = synguard.attach(&["--config", path(&settings)?])?;
    wait_for_event(&first, "attached")?;
    fs::write(&settings, format!("events = \"{}\"\n", second.display()))?;
    synguard.succeed(&["reload"])?;
    wait_for_event(&second, "reloaded")?;
    // What cannot be opened is said, and the file from before stays.
    fs::write(
        &settings,
        format!("events = \"{}\"\n", folder.path().display()),
    )?;
    let reload = synguard.succeed(&["reload"])?;
    ensure!(
        reload.stderr.contains("not changed: events: opening"),
        "{reload:?}"
    );
    synguard.succeed(&["panic"])?;
    wait_for_event(&second, "panic_begun")?;
    synguard.succeed(&["panic", "--over"])?;
    controller.terminate()?;
    let mut command = synguard.command();
    command.args([
        "attach",
        &synguard.uplink,
        "--events",
        "-",
        "--confirm-within",
        "1s",
    ]);
    let outcome = synguard_tests::synguard::outcome(&mut command)?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    let lines = outcome.stdout.lines().map(serde_json::from_str::<Value>);
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    ensure!(names(&lines) == ["attached", "detached"], "{outcome:?}");
    ensure!(lines[1]["cause"] == "unconfirmed", "{outcome:?}");
    Ok(())
}

#[test]
fn what_cannot_be_opened_is_named_before_anything_is_changed() -> Result<()> {
    let lab = Lab::without_services()?;
    let folder = tempfile::tempdir()?;
    let refused = lab.synguard.run(&[
        "attach",
        &lab.synguard.uplink,
        "--events",
        text(folder.path())?,
    ])?;
    ensure!(refused.code == FAILED, "{refused:?}");
    ensure!(refused.stderr.contains(text(folder.path())?), "{refused:?}");
    ensure_untouched(&lab)
}

/// Sources are banned, one after the other, while nobody takes events.
fn ensure_filtered_all_the_same(lab: &Lab, told: &Path) -> Result<String> {
    let controller = lab.synguard.attach(&["--events", text(told)?])?;
    for victim in VICTIMS {
        flood(lab, victim)?;
        controller.wait_for(&format!("promoted {victim} "))?;
    }
    wait_for_status(&lab.synguard, "drops by ban", |status| {
        Ok(number(status, "/dropped/banned")? > 200)
    })?;
    let (status, log) = controller.terminate()?;
    ensure!(status.success(), "{status}: {log}");
    // Or the next one goes on with its bans.
    lab.synguard.succeed(&["detach", &lab.synguard.uplink])?;
    Ok(log)
}

#[test]
fn a_full_disk_or_a_reader_that_hangs_is_nobody_elses_business() -> Result<()> {
    let lab = Lab::without_services()?;
    let scratch = tempfile::tempdir()?;
    let (full, pipe) = (scratch.path().join("full"), scratch.path().join("pipe"));
    let mounts = &lab.synguard.mounts;
    mounts.full_disk(&full)?;
    mounts.inside(|| fs::write(full.join("events"), ""))??;
    let log = ensure_filtered_all_the_same(&lab, &full.join("events"))?;
    let said = log.matches("events cannot be written to").count();
    ensure!(said == 1, "said {said} times:\n{log}");
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR)?;
    let log = ensure_filtered_all_the_same(&lab, &pipe)?;
    ensure!(!log.contains("ERROR"), "{log}");
    Ok(())
}
