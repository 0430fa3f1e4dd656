//! What goes wrong around it: it says so, and nothing is left half-done.

use anyhow::{Result, ensure};
use synguard_tests::foreign::attached_id;
use synguard_tests::lab::Lab;

use crate::support::{bans, ensure_untouched, flood_until_banned, number};

const ABSENT: Option<i32> = Some(3);
const REFUSED: Option<i32> = Some(7);

#[test]
fn a_deleted_interface_is_not_shown_as_filtered() -> Result<()> {
    let lab = Lab::without_services()?;
    lab.synguard.attach(&[])?.kill()?;
    ensure!(lab.synguard.status()?["in_place"] == true);
    let uplink = &lab.synguard.uplink;
    lab.topology.host.run("ip", &["link", "delete", uplink])?;
    ensure!(lab.synguard.status()?["in_place"] == false);
    let shown = lab.synguard.succeed(&["status"])?;
    ensure!(shown.stdout.contains("NOT FILTERING"), "{shown:?}");
    ensure!(!shown.stdout.contains("waiting"), "{shown:?}");
    Ok(())
}

#[test]
fn a_lost_terminal_ends_nothing() -> Result<()> {
    let lab = Lab::without_services()?;
    let mut controller = lab.synguard.attach(&[])?;
    controller.hang_up()?;
    controller.wait_for("reading the settings again, and going on")?;
    let status = lab.synguard.status()?;
    ensure!(status["controller_pid"] == controller.id(), "{status:#}");
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    Ok(())
}

#[test]
fn of_several_interfaces_all_are_attached_or_none() -> Result<()> {
    let lab = Lab::without_services()?;
    let uplink = &lab.synguard.uplink;
    let refused = lab.synguard.run(&["attach", uplink, "no-such-if"])?;
    ensure!(refused.code == ABSENT, "{refused:?}");
    ensure_untouched(&lab)
}

#[test]
fn a_refused_attach_leaves_a_running_filter_as_it_was() -> Result<()> {
    let lab = Lab::without_services()?;
    lab.synguard.attach(&[])?.kill()?;
    let uplink = &lab.synguard.uplink;
    let before = attached_id(&lab.topology.host, uplink)?;
    let refused = lab
        .synguard
        .run(&["attach", "--dry-run", "--mode", "native", uplink, "br0"])?;
    ensure!(refused.code == Some(5), "{refused:?}");
    ensure!(lab.synguard.status()?["dry_run"] == false);
    ensure!(before.is_some() && attached_id(&lab.topology.host, uplink)?.is_some());
    Ok(())
}

#[test]
fn bans_of_a_dry_run_never_become_real() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&["--dry-run"])?;
    flood_until_banned(&lab, &controller)?;
    controller.kill()?;
    let controller = lab.synguard.attach(&[])?;
    let status = lab.synguard.status()?;
    ensure!(bans(&status).is_empty(), "{status:#}");
    ensure!(status["dry_run"] == false && number(&status, "/syns")? > 0);
    controller.terminate()?;
    Ok(())
}

#[test]
fn protection_cannot_be_given_an_end() -> Result<()> {
    let lab = Lab::without_services()?;
    lab.synguard.attach(&[])?.kill()?;
    let gateway = synguard_tests::address::GATEWAY.to_string();
    let refused = lab.synguard.run(&["allow", &gateway, "--for", "1s"])?;
    ensure!(refused.code == REFUSED, "{refused:?}");
    let refused = lab.synguard.run(&["block", &gateway])?;
    ensure!(
        refused.code == REFUSED && refused.stderr.contains("default gateway"),
        "{refused:?}"
    );
    let nonsense = lab.synguard.run(&["block", "192.0.2.99", "--for", "0s"])?;
    ensure!(nonsense.code == Some(2), "{nonsense:?}");
    Ok(())
}
