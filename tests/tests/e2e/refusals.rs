//! What `attach` refuses: with the documented exit code, a message that names
//! the reason, and nothing changed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Result, ensure};
use synguard_tests::foreign::{self, ForeignProgram, attached_id};
use synguard_tests::lab::Lab;
use synguard_tests::synguard::{Outcome, outcome};

use crate::support::ensure_untouched;

const USAGE: i32 = 2;
const ABSENT: i32 = 3;
const PRIVILEGE: i32 = 4;
const UNSUPPORTED: i32 = 5;
const BUSY: i32 = 6;

fn ensure_refused(outcome: &Outcome, code: i32, words: &[&str]) -> Result<()> {
    ensure!(
        outcome.code == Some(code),
        "not refused with {code}: {outcome:?}"
    );
    ensure!(outcome.stdout.is_empty(), "words on stdout: {outcome:?}");
    for word in words {
        ensure!(
            outcome.stderr.contains(word),
            "no {word:?} in: {}",
            outcome.stderr
        );
    }
    ensure!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    Ok(())
}

#[test]
fn an_unknown_interface() -> Result<()> {
    let lab = Lab::without_services()?;
    let uplink = lab.synguard.uplink.as_str();
    let refused = lab.synguard.run(&["attach", "nosuch0"])?;
    ensure_refused(&refused, ABSENT, &["nosuch0", uplink])?;
    // One of two: the other stays untouched as well.
    let refused = lab.synguard.run(&["attach", uplink, "nosuch0"])?;
    ensure_refused(&refused, ABSENT, &["nosuch0"])?;
    ensure_untouched(&lab)
}

#[test]
fn an_interface_without_ethernet() -> Result<()> {
    let lab = Lab::without_services()?;
    lab.topology
        .host
        .run("ip", &["tuntap", "add", "dev", "tun7", "mode", "tun"])?;
    let refused = lab.synguard.run(&["attach", "tun7"])?;
    ensure_refused(&refused, UNSUPPORTED, &["tun7", "Ethernet"])?;
    ensure!(lab.synguard.on("tun7").pins()?.is_empty());
    Ok(())
}

#[test]
fn root_without_capabilities() -> Result<()> {
    let lab = Lab::without_services()?;
    let needed = ["CAP_BPF", "CAP_NET_ADMIN"];
    for (bounds, missing) in [
        ("-all", needed.as_slice()),
        ("-net_admin", &["CAP_NET_ADMIN"]),
        ("-bpf,-sys_admin", &["CAP_BPF"]),
    ] {
        let bounds = format!("--bounding-set={bounds}");
        let mut command = lab.synguard.command_under(&["setpriv", &bounds]);
        let refused = outcome(command.args(["attach", &lab.synguard.uplink]))?;
        ensure_refused(&refused, PRIVILEGE, missing)?;
    }
    ensure_untouched(&lab)
}

#[test]
fn an_ordinary_user() -> Result<()> {
    let lab = Lab::without_services()?;
    // The binary may lie where only root can look.
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let copy = folder.path().join("synguard");
    fs::copy(lab.synguard.binary(), &copy)?;
    let copy = copy.to_string_lossy();
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    for arguments in [
        ["attach", &lab.synguard.uplink].as_slice(),
        &["block", "192.0.2.77"],
        &["report", "192.0.2.77"],
        &["detach", &lab.synguard.uplink],
    ] {
        let mut command = lab.topology.host.command("setpriv");
        lab.synguard.mounts.enter(&mut command);
        command.args(nobody).arg(copy.as_ref()).args(arguments);
        ensure_refused(&outcome(&mut command)?, PRIVILEGE, &["CAP_BPF"])?;
    }
    ensure_untouched(&lab)
}

#[test]
fn somebody_elses_program() -> Result<()> {
    let lab = Lab::without_services()?;
    let (host, uplink) = (&lab.topology.host, &lab.synguard.uplink);
    let theirs = ForeignProgram::attach(host, uplink)?;
    let id = theirs.id.to_string();
    for mode in ["auto", "native", "generic"] {
        let refused = lab.synguard.run(&["attach", uplink, "--mode", mode])?;
        let how_to_see = ["bpftool", uplink];
        ensure_refused(&refused, BUSY, &[foreign::NAME, &id])?;
        ensure_refused(&refused, BUSY, &how_to_see[..1])?;
    }
    ensure!(
        attached_id(host, uplink)? == Some(theirs.id),
        "it was replaced"
    );
    ensure!(lab.synguard.pins()?.is_empty());
    drop(theirs);
    ensure_untouched(&lab)
}

#[test]
fn an_interface_that_is_already_attached() -> Result<()> {
    let lab = Lab::without_services()?;
    let uplink = &lab.synguard.uplink;
    let controller = lab.synguard.attach(&[])?;
    let before = attached_id(&lab.topology.host, uplink)?;
    let refused = lab.synguard.run(&["attach", uplink])?;
    let process = controller.id().to_string();
    ensure_refused(&refused, BUSY, &[uplink, &process])?;
    ensure!(
        attached_id(&lab.topology.host, uplink)? == before,
        "it was replaced"
    );
    ensure!(lab.synguard.status()?["controller_pid"] == controller.id());
    controller.terminate()?;
    Ok(())
}

#[test]
fn flags_that_make_no_sense() -> Result<()> {
    let lab = Lab::without_services()?;
    let uplink = lab.synguard.uplink.as_str();
    for arguments in [
        [].as_slice(),
        &["attach"],
        &["attach", uplink, "--mode", "fast"],
        &["attach", uplink, "--syn-rate", "0"],
        &["attach", uplink, "--window", "1ms"],
        &["attach", uplink, "--ban-time", "soon"],
        &["attach", uplink, "--log-level", "loud"],
        &["block", "example.org"],
        &["block", "192.0.2.1/24"],
        &["block", "0.0.0.0/0"],
        &["block", "192.0.2.1", "--for", "ever"],
        &["detach"],
    ] {
        let refused = lab.synguard.run(arguments)?;
        ensure_refused(&refused, USAGE, &[])
            .map_err(|error| error.context(format!("{arguments:?}")))?;
        ensure!(!refused.stderr.is_empty(), "{arguments:?} says nothing");
    }
    ensure_untouched(&lab)
}

#[test]
fn rules_without_a_filter() -> Result<()> {
    let lab = Lab::without_services()?;
    for arguments in [["block", "192.0.2.77"], ["allow", "192.0.2.77"]] {
        ensure_refused(&lab.synguard.run(&arguments)?, ABSENT, &["attach"])?;
    }
    Ok(())
}
