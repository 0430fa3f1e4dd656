//! The log: for programs, and for the journal.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use rustix::process::Signal;
use serde_json::Value;
use synguard_tests::address::VICTIMS;
use synguard_tests::lab::Lab;
use synguard_tests::{program, wait};

use super::flood;
use crate::config::{file, path};

#[test]
fn a_log_for_programs_is_an_object_a_line() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&["--log-format", "json"])?;
    flood(&lab, VICTIMS[0])?;
    controller.wait_for("promoted")?;
    let (_, text) = controller.terminate()?;
    let mut promoted = None;
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).context(line.to_owned())?;
        let time = line["timestamp"].as_str().context("no time")?;
        humantime::parse_rfc3339(time)?;
        ensure!(line["interface"] == *lab.synguard.uplink, "{line:#}");
        let message = line["message"].as_str().context("no message")?;
        if message.starts_with("promoted ") {
            promoted = Some(line["level"] == "info");
        }
    }
    ensure!(promoted == Some(true), "{text}");
    Ok(())
}

#[test]
fn a_reload_changes_the_format() -> Result<()> {
    let lab = Lab::without_services()?;
    let settings = file("log-format = \"text\"\n")?;
    let controller = lab.synguard.attach(&["--config", path(&settings)?])?;
    fs::write(&settings, "log-format = \"json\"\n")?;
    lab.synguard.succeed(&["reload"])?;
    controller.wait_for("\"message\":\"reloaded: log-format is json")?;
    fs::write(&settings, "log-format = \"text\"\n")?;
    lab.synguard.succeed(&["reload"])?;
    controller.wait_for(&format!(
        " INFO {}: reloaded: log-format is text",
        lab.synguard.uplink
    ))?;
    controller.terminate()?;
    Ok(())
}

/// Attaches with standard error in a file that `stream` names to it as the journal's, and
/// gives what is written there.
fn logged(lab: &Lab, stream: impl Fn(u64, u64) -> String) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("log");
    let stderr = File::create(&log)?;
    let facts = stderr.metadata()?;
    let mut command = lab.synguard.command();
    command
        .args(["attach", &lab.synguard.uplink, "--syn-rate", "60"])
        .env("JOURNAL_STREAM", stream(facts.dev(), facts.ino()))
        .stdout(Stdio::null())
        .stderr(stderr);
    let mut controller = program::spawn(&mut command)?;
    wait::until_true("the filter", wait::GENEROUS, || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("attached to"))
    })?;
    lab.synguard.succeed(&["panic"])?;
    wait::until_true("the panic", wait::GENEROUS, || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("panic: nothing"))
    })?;
    lab.synguard.succeed(&["panic", "--over"])?;
    controller.signal(Signal::TERM)?;
    controller.child().wait()?;
    Ok(fs::read_to_string(&log)?)
}

#[test]
fn the_journal_is_told_priorities_and_no_times() -> Result<()> {
    let lab = Lab::without_services()?;
    let uplink = &lab.synguard.uplink;
    let text = logged(&lab, |device, inode| format!("{device}:{inode}"))?;
    ensure!(
        text.contains(&format!("\n<6>{uplink}: attached to {uplink}")),
        "{text}"
    );
    ensure!(text.contains(&format!("\n<4>{uplink}: panic: ")), "{text}");
    ensure!(text.lines().all(|line| line.starts_with('<')), "{text}");
    // Standard error was redirected since: it is no journal's.
    let text = logged(&lab, |device, inode| format!("{device}:{}", inode + 1))?;
    ensure!(!text.contains('<'), "{text}");
    ensure!(text.contains("  INFO "), "{text}");
    Ok(())
}
