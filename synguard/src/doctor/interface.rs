//! The interface that is to be filtered.

use super::Finding;
use super::device::{Device, Machine, of_device};
use super::link::of_link;
use crate::dataplane::{Pins, in_place};
use crate::interface::{Interface, Link};
use crate::privileges;

/// Looks at it, among all that there are.
pub fn of_interface(link: &Link, all: &[Link], machine: &Machine) -> Vec<Finding> {
    let interface = &link.interface;
    let mut findings = of_link(link, all);
    findings.extend(of_filter(interface));
    let has_vlans = all
        .iter()
        .any(|other| other.kind.as_deref() == Some("vlan") && other.below == Some(interface.index));
    findings.extend(of_device(link, &Device::read(link), machine, has_vlans));
    findings
}

fn of_filter(interface: &Interface) -> Vec<Finding> {
    if let (Some(xdp), Err(_)) = (interface.xdp, privileges::to_use_maps()) {
        return vec![not_told(xdp.id)];
    }
    let pins = Pins::of(&interface.name);
    let attached = in_place(&pins, interface);
    let mut findings = vec![of_xdp(interface, attached)];
    if attached && pins.controller().is_none() {
        findings.push(Finding::warn(
            "controller",
            "none runs: bans still hold and end on time, but nobody new is banned",
            format!("synguard attach {}", interface.name),
        ));
    }
    findings
}

const TOPIC: &str = "XDP";

fn not_told(id: u32) -> Finding {
    Finding::warn(
        TOPIC,
        format!("a program (id {id}) is there; whose it is cannot be told without CAP_BPF"),
        "run it as root".to_owned(),
    )
}

fn of_xdp(interface: &Interface, attached: bool) -> Finding {
    match (interface.xdp, attached) {
        (Some(xdp), true) if xdp.native => Finding::ok(TOPIC, "SynGuard's filter, in the driver"),
        (Some(_), true) => Finding::ok(TOPIC, "SynGuard's filter, in generic mode"),
        (Some(xdp), false) => Finding {
            remedy: Some(format!(
                "once nobody needs it: `ip link set dev {} xdp off`",
                interface.name
            )),
            ..Finding::fail(
                TOPIC,
                format!(
                    "another program (id {}) is on {}: `bpftool net` shows whose it is",
                    xdp.id, interface.name
                ),
            )
        },
        (None, _) => Finding::ok(TOPIC, "no other program"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use crate::doctor::link::example;
    use crate::interface::XdpProgram;

    #[test]
    fn a_foreign_program_is_in_the_way() {
        let free = example(2, "eth0", None, None).interface;
        let taken = Interface {
            xdp: Some(XdpProgram {
                id: 7,
                native: true,
            }),
            ..free.clone()
        };
        for (interface, attached, level) in [
            (free, false, Level::Ok),
            (taken.clone(), true, Level::Ok),
            (taken, false, Level::Fail),
        ] {
            assert_eq!(of_xdp(&interface, attached).level, level, "{interface:?}");
        }
    }
}
