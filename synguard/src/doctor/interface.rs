//! The interface that is to be filtered.

use super::Finding;
use crate::dataplane::{Pins, in_place};
use crate::interface::Interface;

/// Looks at it.
pub fn of_interface(interface: &Interface) -> Vec<Finding> {
    let pins = Pins::of(&interface.name);
    let attached = in_place(&pins, interface);
    let mut findings = vec![of_link(interface), of_xdp(interface, attached)];
    if attached && pins.controller().is_none() {
        findings.push(Finding::warn(
            "controller",
            "none runs: bans still hold and end on time, but nobody new is banned",
            format!("synguard attach {}", interface.name),
        ));
    }
    findings
}

fn of_link(interface: &Interface) -> Finding {
    const TOPIC: &str = "interface";
    let name = &interface.name;
    if !interface.ethernet {
        return Finding::fail(
            TOPIC,
            format!(
                "{name} carries no Ethernet frames (link type {}): attach to the interface below it",
                interface.link_layer
            ),
        );
    }
    if interface.veth {
        return Finding::warn(
            TOPIC,
            format!("{name} is a veth: SYNs can be answered with cookies in generic mode alone"),
            "`attach --challenge auto` chooses it; on the host itself, attach to the physical \
             interface instead"
                .to_owned(),
        );
    }
    Finding::ok(TOPIC, format!("{name} carries Ethernet frames"))
}

fn of_xdp(interface: &Interface, attached: bool) -> Finding {
    const TOPIC: &str = "XDP";
    match (interface.xdp, attached) {
        (Some(xdp), true) if xdp.native => Finding::ok(TOPIC, "SynGuard's filter, in the driver"),
        (Some(_), true) => Finding::ok(TOPIC, "SynGuard's filter, in generic mode"),
        (Some(xdp), false) => Finding::fail(
            TOPIC,
            format!(
                "another program (id {}) is on {}: `bpftool net` shows whose it is",
                xdp.id, interface.name
            ),
        ),
        (None, _) => Finding::ok(TOPIC, "no other program"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use crate::interface::XdpProgram;

    fn interface() -> Interface {
        Interface {
            name: "eth0".to_owned(),
            index: 2,
            ethernet: true,
            link_layer: "ether".to_owned(),
            veth: false,
            xdp: None,
        }
    }

    #[test]
    fn links_are_judged() {
        let tunnel = Interface {
            ethernet: false,
            ..interface()
        };
        let veth = Interface {
            veth: true,
            ..interface()
        };
        for (interface, level) in [
            (interface(), Level::Ok),
            (tunnel, Level::Fail),
            (veth, Level::Warn),
        ] {
            assert_eq!(of_link(&interface).level, level, "{interface:?}");
        }
    }

    #[test]
    fn a_foreign_program_is_in_the_way() {
        let taken = Interface {
            xdp: Some(XdpProgram {
                id: 7,
                native: true,
            }),
            ..interface()
        };
        for (interface, attached, level) in [
            (interface(), false, Level::Ok),
            (taken.clone(), true, Level::Ok),
            (taken, false, Level::Fail),
        ] {
            assert_eq!(of_xdp(&interface, attached).level, level, "{interface:?}");
        }
    }
}
