//! Every way to end it, and what is left afterwards.

use anyhow::{Result, ensure};
use synguard_tests::foreign::attached_id;
use synguard_tests::lab::Lab;

use crate::support::{ensure_untouched, wait_for_no_program};

/// `status` and `detach` of an interface that is not attached.
const NOT_ATTACHED: Option<i32> = Some(3);

#[test]
fn sigterm_and_sigint_detach() -> Result<()> {
    let lab = Lab::without_services()?;
    let (ended, log) = lab.synguard.attach(&[])?.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    ensure_untouched(&lab)?;
    let (ended, log) = lab.synguard.attach(&[])?.interrupt()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    ensure_untouched(&lab)
}

#[test]
fn keep_leaves_the_filter_and_detach_ends_it() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let (ended, log) = synguard.attach(&["--keep"])?.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    ensure!(attached_id(&lab.topology.host, &synguard.uplink)?.is_some());
    let status = synguard.status()?;
    ensure!(status["controller_pid"].is_null(), "{status:#}");
    synguard.succeed(&["status"])?;
    synguard.succeed(&["list"])?;
    synguard.succeed(&["detach", &synguard.uplink])?;
    ensure_untouched(&lab)?;
    let again = synguard.run(&["detach", &synguard.uplink])?;
    ensure!(again.code == NOT_ATTACHED, "{again:?}");
    Ok(())
}

#[test]
fn detach_under_a_running_controller_ends_that_too() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    lab.synguard.succeed(&["detach", &lab.synguard.uplink])?;
    ensure_untouched(&lab)?;
    let (ended, log) = controller.wait()?;
    ensure!(ended.code().is_some(), "{ended}:\n{log}");
    ensure_untouched(&lab)
}

#[test]
fn detach_all() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    // One controller for two interfaces.
    let controller = synguard.attach(&["br0", "--keep"])?;
    controller.wait_for("attached to br0")?;
    controller.terminate()?;
    for interface in [synguard.uplink.as_str(), "br0"] {
        ensure!(attached_id(&lab.topology.host, interface)?.is_some());
    }
    synguard.succeed(&["detach", "--all"])?;
    ensure_untouched(&lab)?;
    ensure!(synguard.on("br0").pins()?.is_empty());
    wait_for_no_program(&lab, "br0")
}

#[test]
fn the_status_of_what_is_not_attached() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    for arguments in [
        ["status", &synguard.uplink].as_slice(),
        &["status", &synguard.uplink, "--json"],
        &["status", "nosuch0"],
    ] {
        let outcome = synguard.run(arguments)?;
        ensure!(outcome.code == NOT_ATTACHED, "{arguments:?}: {outcome:?}");
        ensure!(
            !outcome.stderr.is_empty() && outcome.stdout.is_empty(),
            "{outcome:?}"
        );
    }
    Ok(())
}
