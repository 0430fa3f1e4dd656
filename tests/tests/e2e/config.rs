//! Settings from a file: what is in force, where from, and what is wrong with it.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use synguard_tests::lab::Lab;
use synguard_tests::synguard::Synguard;
use tempfile::NamedTempFile;

use crate::support::{ensure_untouched, number};

const BAD_INPUT: Option<i32> = Some(2);
const ABSENT: Option<i32> = Some(3);

/// A configuration file; gone when dropped.
pub fn file(text: &str) -> Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

pub fn path(file: &NamedTempFile) -> Result<&str> {
    file.path().to_str().context("a path that is no text")
}

/// What `config show` says of the lab's interface.
pub fn shown(synguard: &Synguard) -> Result<Value> {
    let arguments = ["config", "show", &synguard.uplink, "--json"];
    let mut whole: Value = serde_json::from_str(&synguard.succeed(&arguments)?.stdout)?;
    ensure!(whole["schema_version"] == 1, "{whole:#}");
    Ok(whole["interfaces"][0].take())
}

#[test]
fn the_default_file_is_read_and_flags_beat_it() -> Result<()> {
    const PATH: &str = "/etc/synguard/synguard.toml";
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let uplink = &synguard.uplink;
    synguard.mounts.cover(Path::new("/etc"))?;
    let text = format!(
        "syn-rate = 70\nban-time = \"5m\"\nwindow = \"2s\"\n\n[interface.{uplink}]\nsyn-rate = 80\n"
    );
    synguard.mounts.inside(|| -> Result<()> {
        fs::create_dir_all("/etc/synguard")?;
        Ok(fs::write(PATH, text)?)
    })??;
    let controller = synguard.attach(&["--ban-time", "7m", "--manage-sysctls=false"])?;

    let shown = shown(synguard)?;
    ensure!(
        shown["attached"] == true && shown["config"] == PATH,
        "{shown:#}"
    );
    ensure!(shown["controller_pid"] == controller.id(), "{shown:#}");
    for (key, value, source, line) in [
        ("syn-rate", "80", "file", Some(6)),
        ("window", "2s", "file", Some(3)),
        ("ban-time", "7m", "flag", None),
        ("manage-sysctls", "false", "flag", None),
        ("max-rules", "262144", "default", None),
    ] {
        let found = &shown["values"][key];
        ensure!(found["value"] == value, "{key}: {shown:#}");
        ensure!(found["source"] == source, "{key}: {shown:#}");
        ensure!(found["line"].as_u64() == line, "{key}: {shown:#}");
    }
    let status = synguard.status()?;
    ensure!(
        number(&status, "/threshold/syns_per_second")? == 80,
        "{status:#}"
    );
    ensure!(
        number(&status, "/threshold/ban_seconds")? == 420,
        "{status:#}"
    );
    let text = synguard.succeed(&["config", "show"])?.stdout;
    ensure!(text.contains(&format!("{PATH}:6")), "{text}");
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success(), "{ended}: {log}");
    Ok(())
}

#[test]
fn a_file_with_anything_wrong_in_it_attaches_nothing() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let bad = file("syn-rat = 5\n\n[interface.eth0]\nwindow = \"1ms\"\n")?;
    let path = path(&bad)?;
    for arguments in [
        ["attach", &synguard.uplink, "--config", path].as_slice(),
        &["config", "check", path],
        &["config", "show", "--config", path],
    ] {
        let outcome = synguard.run(arguments)?;
        ensure!(outcome.code == BAD_INPUT, "{arguments:?}: {outcome:?}");
        let said = format!("{path}:1: unknown key `syn-rat`: did you mean `syn-rate`?");
        ensure!(outcome.stderr.contains(&said), "{outcome:?}");
        ensure!(outcome.stdout.is_empty(), "{outcome:?}");
    }
    ensure_untouched(&lab)
}

#[test]
fn what_is_no_file_is_said_so() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let binary = NamedTempFile::new()?;
    fs::write(&binary, [0xff, 0xfe, 0])?;
    for (file, code, said) in [
        ("/nonexistent.toml", ABSENT, "there is no /nonexistent.toml"),
        ("/tmp", Some(1), "reading /tmp"),
        ("/dev/zero", BAD_INPUT, "no configuration"),
        (path(&binary)?, BAD_INPUT, "no text"),
    ] {
        for arguments in [
            ["attach", &synguard.uplink, "--config", file].as_slice(),
            &["config", "check", file],
        ] {
            let outcome = synguard.run(arguments)?;
            ensure!(outcome.code == code, "{arguments:?}: {outcome:?}");
            ensure!(outcome.stderr.contains(said), "{arguments:?}: {outcome:?}");
        }
    }
    ensure_untouched(&lab)
}

#[test]
fn what_would_be_in_force_needs_no_privilege() -> Result<()> {
    let lab = Lab::without_services()?;
    let good = file("syn-rate = 70\n[interface.eth7]\nsyn-rate = 80\n")?;
    // The folder and the file are root's.
    fs::set_permissions(&good, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    let unprivileged = ["setpriv", "--reuid", "65534", "--clear-groups"];
    for (arguments, expected) in [(&["eth7"][..], "80"), (&[], "70")] {
        let mut command = lab.synguard.command_under(&unprivileged);
        command.args(["config", "show", "--json", "--config", path(&good)?]);
        let outcome = synguard_tests::synguard::outcome(command.args(arguments))?;
        ensure!(outcome.code == Some(0), "{outcome:?}");
        let shown: Value = serde_json::from_str(&outcome.stdout)?;
        let value = &shown["interfaces"][0]["values"]["syn-rate"];
        ensure!(value["value"] == expected, "{shown:#}");
    }
    Ok(())
}
