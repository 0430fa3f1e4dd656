//! The program that is run for each event.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use synguard_tests::address::VICTIMS;
use synguard_tests::lab::Lab;
use synguard_tests::wait;
use tempfile::TempDir;

use super::{flood, wait_for_event};
use crate::config::{file, path};
use crate::support::{ensure_untouched, number, wait_for_status};

const BAD_INPUT: Option<i32> = Some(2);

/// A program that does what the script says, in a folder of its own.
fn hook(folder: &TempDir, script: &str) -> Result<PathBuf> {
    let path = folder.path().join("hook");
    fs::write(&path, format!("#!/bin/sh\n{script}\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

#[test]
fn it_is_told_of_each_event_and_has_no_privileges() -> Result<()> {
    let lab = Lab::without_services()?;
    let folder = tempfile::tempdir()?;
    let script = "cat >> \"$1/events\"\n\
                  echo \"$SYNGUARD_EVENT $SYNGUARD_SOURCE $SYNGUARD_CLASS $2\" >> \"$1/seen\"\n\
                  grep -E '^Cap(Prm|Eff)' /proc/self/status | cut -f 2 | sort -u >> \"$1/caps\"\n\
                  for fd in /proc/$$/fd/*; do readlink $fd; done >> \"$1/fds\"";
    let hook = hook(&folder, script)?;
    let place = folder.path();
    let words = format!(
        "on-event = [\"{}\", \"{}\", \"the night shift; $HOME\"]\n",
        hook.display(),
        place.display()
    );
    let settings = file(&words)?;
    let controller = lab.synguard.attach(&["--config", path(&settings)?])?;
    flood(&lab, VICTIMS[0])?;
    let promoted = wait_for_event(&place.join("events"), "promoted")?;
    ensure!(promoted["class"] == "reflection", "{promoted:#}");
    controller.terminate()?;
    wait_for_event(&place.join("events"), "detached")?;
    let seen = fs::read_to_string(place.join("seen"))?;
    let expected = format!(
        "promoted {} reflection the night shift; $HOME\n",
        VICTIMS[0]
    );
    ensure!(seen.contains(&expected), "{seen}");
    let caps = fs::read_to_string(place.join("caps"))?;
    ensure!(caps.lines().all(|set| set == "0000000000000000"), "{caps}");
    let fds = fs::read_to_string(place.join("fds"))?;
    for held in ["bpf", "anon_inode", "socket", "/run/synguard"] {
        ensure!(!fds.contains(held), "{fds}");
    }
    Ok(())
}

#[test]
fn one_that_fails_or_hangs_is_named_and_filtering_goes_on() -> Result<()> {
    let lab = Lab::without_services()?;
    let folder = tempfile::tempdir()?;
    // The first event is `attached`, the second a promotion.
    let script = "[ \"$SYNGUARD_EVENT\" = promoted ] || { echo no pager >&2; exit 3; }\n\
                  trap '' TERM\nsleep 1000 &\necho $! > \"$1\"\necho stuck >&2\nwait\nsleep 1000";
    let hook = hook(&folder, script)?;
    let pid = folder.path().join("pid");
    let command = format!("{} {}", hook.display(), pid.display());
    let controller = lab.synguard.attach(&["--on-event", &command])?;
    controller.wait_for("hook failed (exit status: 3): no pager")?;
    for victim in VICTIMS {
        flood(&lab, victim)?;
        controller.wait_for(&format!("promoted {victim} "))?;
    }
    wait_for_status(&lab.synguard, "drops by ban", |status| {
        Ok(number(status, "/dropped/banned")? > 200)
    })?;
    controller.wait_for("hook was ended, as it took more than 10 s: stuck")?;
    let pid = fs::read_to_string(pid)?;
    let (status, log) = controller.terminate()?;
    ensure!(status.success(), "{status}: {log}");
    wait::until_true("the hook's children to be gone", wait::GENEROUS, || {
        !Path::new("/proc").join(pid.trim()).join("exe").exists()
    })
}

#[test]
fn what_is_no_program_is_refused() -> Result<()> {
    let lab = Lab::without_services()?;
    let uplink = &lab.synguard.uplink;
    for (command, said) in [
        ("/nowhere/hook", "there is no such file"),
        ("/etc/passwd", "it cannot be run"),
        ("hook", "begins at /"),
        ("/bin/sh 'x", "quote"),
    ] {
        let refused = lab
            .synguard
            .run(&["attach", uplink, "--on-event", command])?;
        ensure!(refused.code == BAD_INPUT, "{refused:?}");
        ensure!(refused.stderr.contains(said), "{refused:?}");
    }
    ensure_untouched(&lab)
}
