//! Globs: whatever interfaces come and go.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use synguard_tests::foreign::{ForeignProgram, attached_id};
use synguard_tests::lab::Lab;
use synguard_tests::topology::unique_interface;
use synguard_tests::wait;

use super::{Settings, add_interface, attach};

/// More than are kept of those that are gone.
const MANY: usize = 18;

/// Names that begin alike, and the glob that means them.
fn family(count: usize) -> (Vec<String>, String) {
    let stem = unique_interface();
    let names = (0..count).map(|number| format!("{stem}{}", char::from(b'a' + number as u8)));
    (names.collect(), format!("{stem}?"))
}

#[test]
fn what_a_glob_means_is_attached_once_it_is_up_and_forgotten_when_it_is_gone() -> Result<()> {
    let lab = Lab::without_services()?;
    let (host, synguard) = (&lab.topology.host, &lab.synguard);
    let (names, glob) = family(MANY);
    let settings = Settings::new(&format!(
        "interfaces = [\"{glob}\"]\n[interface.\"{glob}\"]\nmax-rules = 1024\nmax-sources = 2048\n"
    ))?;
    let controller = attach(&lab, &[&settings.argument()])?;
    controller.wait_for(&format!(
        "{glob}: no interface that can be filtered has such a name"
    ))?;
    host.batch(&[format!("link add {} type veth", names[0])])?;
    for name in &names[1..] {
        add_interface(&lab, name)?;
    }
    for name in &names[1..] {
        controller.wait_for(&format!("attached to {name} "))?;
    }
    ensure!(attached_id(host, &names[0])?.is_none(), "it is down");
    ensure!(synguard.status_of(&names[1])?["sources_capacity"] == 2048);
    host.batch(&[format!("link set {} up", names[0])])?;
    controller.wait_for(&format!("attached to {} ", names[0]))?;

    for name in &names {
        host.batch(&[format!("link delete {name}")])?;
        controller.wait_for(&format!("{name}: the interface is gone"))?;
    }
    for name in &names[..2] {
        controller.wait_for(&format!("{name}: it did not come back"))?;
        wait::until_true("no pins", wait::GENEROUS, || {
            synguard.pins_of(name).is_ok_and(|pins| pins.is_empty())
        })?;
    }
    ensure!(!synguard.pins_of(&names[MANY - 1])?.is_empty());
    // One that comes back is known, whoever came and went meanwhile.
    add_interface(&lab, &names[MANY - 1])?;
    controller.wait_for(&format!("{}: it is back", names[MANY - 1]))?;
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    for name in &names {
        ensure!(synguard.pins_of(name)?.is_empty(), "{name}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_filtered_is_left_alone_and_said_once() -> Result<()> {
    let lab = Lab::without_services()?;
    let host = &lab.topology.host;
    let (names, glob) = family(4);
    let [tun, taken, good, late] = &names[..] else {
        unreachable!()
    };
    host.run("ip", &["tuntap", "add", "dev", tun, "mode", "tun"])?;
    host.batch(&[format!("link set {tun} up")])?;
    add_interface(&lab, taken)?;
    let theirs = ForeignProgram::attach(host, taken)?;
    add_interface(&lab, good)?;
    let controller = attach(&lab, &[&glob, "--max-rules=1024", "--max-sources=1024"])?;
    controller.wait_for(&format!("attached to {good} "))?;
    controller.wait_for(&format!(
        "{tun}: left alone: {tun} carries no Ethernet frames"
    ))?;
    controller.wait_for(&format!(
        "{taken}: left alone: {taken} already has an XDP program"
    ))?;
    add_interface(&lab, late)?;
    controller.wait_for(&format!("attached to {late} "))?;
    ensure!(attached_id(host, taken)? == Some(theirs.id));
    // It is looked at again once that one is gone.
    drop(theirs);
    controller.wait_for(&format!("attached to {taken} "))?;
    let log = controller.text();
    let once: BTreeSet<_> = log
        .lines()
        .filter(|line| line.contains("left alone"))
        .collect();
    ensure!(
        log.matches("left alone").count() == once.len() && once.len() == 2,
        "{log}"
    );
    controller.terminate()?;
    Ok(())
}
