//! Interfaces that get another name, another namespace or another master, and filters
//! that somebody takes off.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use synguard_tests::foreign::{attached_id, detach_link};
use synguard_tests::lab::Lab;
use synguard_tests::topology::unique_interface;
use synguard_tests::wait;

use super::{add_interface, attach, let_it_look, wait_for_time};
use crate::support::wait_for_no_program;

const ABSENT: Option<i32> = Some(3);

#[test]
fn a_filter_stays_on_an_interface_that_is_renamed() -> Result<()> {
    let lab = Lab::without_services()?;
    let (host, name) = (&lab.topology.host, unique_interface());
    add_interface(&lab, &name)?;
    let controller = attach(&lab, &[&name])?;
    controller.wait_for(&format!("attached to {name}"))?;
    let before = attached_id(host, &name)?;
    let other = unique_interface();
    let rename = |from: &str, to: &str| {
        let lines = [
            format!("link set {from} down"),
            format!("link set {from} name {to}"),
            format!("link set {to} up"),
        ];
        host.batch(&lines)
    };
    rename(&name, &other)?;
    controller.wait_for(&format!("{name}: it is called {other} now"))?;
    ensure!(before.is_some() && attached_id(host, &other)? == before);
    let status = lab.synguard.status_of(&name)?;
    ensure!(
        status["in_place"] == true && status["called"] == other,
        "{status:#}"
    );
    ensure!(status["waiting"] == false, "{status:#}");
    rename(&other, &name)?;
    controller.wait_for(&format!("{name}: it has its name back"))?;
    // Names are what is wanted: a new one of the name has the filter.
    rename(&name, &other)?;
    wait_for_time(&controller, "it is called", 2)?;
    add_interface(&lab, &name)?;
    controller.wait_for(&format!("{name}: it is back"))?;
    ensure!(attached_id(host, &name)? == before);
    wait_for_no_program(&lab, &other)?;
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    wait_for_no_program(&lab, &name)
}

#[test]
fn a_filter_does_not_go_along_to_another_namespace() -> Result<()> {
    let lab = Lab::without_services()?;
    let (host, container) = (&lab.topology.host, &lab.topology.container);
    let name = unique_interface();
    add_interface(&lab, &name)?;
    let controller = attach(&lab, &[&name])?;
    controller.wait_for(&format!("attached to {name}"))?;
    let there = container.path().display().to_string();
    host.run("ip", &["link", "set", &name, "netns", &there])?;
    controller.wait_for(&format!("{name}: the interface is gone"))?;
    wait::until_true("no filter there", wait::GENEROUS, || {
        attached_id(container, &name).is_ok_and(|id| id.is_none())
    })?;
    let here = host.path().display().to_string();
    container.run("ip", &["link", "set", &name, "netns", &here])?;
    controller.wait_for(&format!("{name}: it is back"))?;
    ensure!(attached_id(host, &name)?.is_some());
    controller.terminate()?;
    Ok(())
}

#[test]
fn a_new_interface_of_the_same_number_is_told_from_the_old_one() -> Result<()> {
    let lab = Lab::without_services()?;
    let (host, name) = (&lab.topology.host, unique_interface());
    add_interface(&lab, &name)?;
    let controller = attach(&lab, &[&name])?;
    controller.wait_for(&format!("attached to {name}"))?;
    // A bridge that loses a port tells of a deletion, too.
    host.batch(&[
        format!("link set {name} down"),
        format!("link set {name} up"),
        format!("link set {name} master br0"),
        format!("link set {name} nomaster"),
    ])?;
    let shown = host.run("ip", &["-json", "link", "show", "dev", &name])?;
    let shown: serde_json::Value = serde_json::from_str(&shown)?;
    let index = shown[0]["ifindex"].as_u64().context("no number")?;
    ensure!(!controller.text().contains("gone"), "{}", controller.text());
    host.batch(&[
        format!("link delete {name}"),
        format!("link add {name} index {index} type veth"),
        format!("link set {name} up"),
    ])?;
    controller.wait_for(&format!("{name}: it is back"))?;
    ensure!(attached_id(host, &name)?.is_some());
    controller.terminate()?;
    Ok(())
}

#[test]
fn what_was_detached_stays_off_until_it_is_made_again() -> Result<()> {
    let lab = Lab::without_services()?;
    let (host, synguard) = (&lab.topology.host, &lab.synguard);
    let (name, witness) = (unique_interface(), unique_interface());
    add_interface(&lab, &name)?;
    add_interface(&lab, &witness)?;
    let mut controller = attach(&lab, &[&name, &witness])?;
    let attached = format!("attached to {name} ");
    wait_for_time(&controller, &attached, 1)?;
    synguard.succeed(&["detach", &name])?;
    controller.wait_for(&format!("{name}: detached by another command"))?;
    let_it_look(&lab, &controller, &witness)?;
    ensure!(synguard.pins_of(&name)?.is_empty());
    // logrotate does this each night.
    controller.hang_up()?;
    controller.wait_for(&format!("{witness}: reloaded"))?;
    let_it_look(&lab, &controller, &witness)?;
    ensure!(synguard.pins_of(&name)?.is_empty());
    host.batch(&[format!("link delete {name}")])?;
    controller.wait_for(&format!("{name}: there is no such interface: waiting"))?;
    add_interface(&lab, &name)?;
    wait_for_time(&controller, &attached, 2)?;
    // One that is waited for, too, and then whatever comes.
    host.batch(&[format!("link delete {name}")])?;
    controller.wait_for(&format!("{name}: the interface is gone"))?;
    synguard.succeed(&["detach", &name])?;
    wait_for_time(
        &controller,
        &format!("{name}: detached by another command"),
        2,
    )?;
    add_interface(&lab, &name)?;
    let_it_look(&lab, &controller, &witness)?;
    ensure!(synguard.pins_of(&name)?.is_empty());
    // The last one that is detached ends it.
    synguard.succeed(&["detach", &witness])?;
    let (ended, log) = controller.wait()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    Ok(())
}

#[test]
fn a_filter_that_somebody_takes_off_is_a_loud_error_and_does_not_end_the_others() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let (name, witness) = (unique_interface(), unique_interface());
    add_interface(&lab, &name)?;
    add_interface(&lab, &witness)?;
    let controller = attach(&lab, &[&name, &witness])?;
    controller.wait_for(&format!("attached to {witness}"))?;
    let pin = Path::new("/sys/fs/bpf/synguard").join(&name).join("link");
    synguard.mounts.inside(|| detach_link(&pin))??;
    let line = controller.wait_for(&format!(
        "{name}: its filter was taken off by somebody else"
    ))?;
    ensure!(line.text.contains("ERROR"), "{}", line.text);
    let_it_look(&lab, &controller, &witness)?;
    ensure!(synguard.pins_of(&name)?.is_empty());
    ensure!(attached_id(&lab.topology.host, &name)?.is_none());
    let (ended, log) = controller.terminate()?;
    ensure!(ended.code() == ABSENT, "{ended}:\n{log}");
    Ok(())
}
