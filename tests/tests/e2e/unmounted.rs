//! bpffs unmounted underneath: the gate stays shut, and nobody says otherwise.

use anyhow::{Result, ensure};
use synguard_tests::address::is_victim;
use synguard_tests::capture::Capture;
use synguard_tests::foreign::attached_id;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::topology::CONTAINER_END;

use crate::support::{
    bans, ensure_untouched, seed_plan, victims, wait_for_bans, wait_for_more_drops,
    wait_for_no_program,
};

#[test]
fn a_filter_without_pins_goes_on_and_is_pinned_again() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    let flood = Sender::start(&lab.topology, &seed_plan(2_000, 400_000))?;
    let before = wait_for_bans(synguard, &controller)?;
    let leaks = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    let pinned = synguard.pins()?.len();
    synguard.unmount_bpffs()?;
    ensure!(attached_id(&lab.topology.host, &synguard.uplink)?.is_some());
    let line = controller.wait_for("bpffs was unmounted underneath")?.text;
    ensure!(line.contains("is pinned again"), "{line}");
    ensure!(synguard.pins()?.len() == pinned);
    let status = synguard.status()?;
    ensure!(bans(&status) == victims(), "{status:#}");
    ensure!(status["attached_at"] == before["attached_at"], "{status:#}");
    let status = wait_for_more_drops(synguard, &status, 2_000)?;

    // It can be taken over and detached as before.
    controller.kill()?;
    let controller = synguard.attach(&[])?;
    wait_for_more_drops(synguard, &status, 2_000)?;
    flood.stop()?;
    ensure!(leaks.finish()? == 0, "SYNs of banned sources came through");
    synguard.succeed(&["detach", &synguard.uplink])?;
    let (_, log) = controller.wait()?;
    ensure!(log.contains("detached by another command"), "{log}");
    ensure_untouched(&lab)
}

#[test]
fn where_nothing_can_be_pinned_the_filter_goes_on_all_the_same() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    // No service may mount anything: CAP_SYS_ADMIN is missing.
    synguard.attach(&["--keep"])?.terminate()?;
    let capabilities = "-all,+net_admin,+bpf,+perfmon,+dac_override";
    let capabilities = ["--inh-caps", capabilities, "--bounding-set", capabilities];
    let launcher: Vec<_> = ["setpriv"].into_iter().chain(capabilities).collect();
    let mut command = synguard.command_under(&launcher);
    command.args(["attach", &synguard.uplink]);
    let controller = synguard_tests::controller::Controller::start(&mut command)?;
    controller.wait_for(&format!("attached to {}", synguard.uplink))?;
    let flood = Sender::start(&lab.topology, &seed_plan(2_000, 400_000))?;
    wait_for_bans(synguard, &controller)?;
    synguard.unmount_bpffs()?;
    let line = controller.wait_for("bpffs was unmounted underneath")?.text;
    ensure!(line.contains("cannot be pinned again"), "{line}");
    let leaks = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    let sent = flood.sent();
    synguard_tests::wait::until_true("more of the flood", synguard_tests::wait::GENEROUS, || {
        flood.sent() > sent + 4_000
    })?;
    ensure!(leaks.finish()? == 0, "SYNs of banned sources came through");
    let log = controller.text();
    ensure!(log.matches("bpffs was unmounted").count() == 1, "{log}");
    ensure!(
        !log.contains("detached") && !log.contains("nothing is filtered"),
        "{log}"
    );
    flood.stop()?;
    // Its end is the filter's, which nobody could reach any more.
    controller.terminate()?;
    wait_for_no_program(&lab, &synguard.uplink)
}
