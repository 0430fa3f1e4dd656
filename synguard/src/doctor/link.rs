//! Which interface to attach to, and why: what one is, and what it is part of.

use super::Finding;
use crate::interface::Link;

const TOPIC: &str = "interface";

/// Judges one of them.
pub fn of_link(link: &Link, all: &[Link]) -> Vec<Finding> {
    let mut findings = vec![of_kind(link, all)];
    findings.extend(of_membership(link, all));
    findings
}

fn of_kind(link: &Link, all: &[Link]) -> Finding {
    let name = &link.interface.name;
    if !link.interface.ethernet {
        let layer = &link.interface.link_layer;
        return Finding::fail(
            TOPIC,
            format!(
                "{name} carries no Ethernet frames (link type {layer}): attach to the interface \
                 below it"
            ),
        );
    }
    match link.kind.as_deref() {
        Some("veth") => Finding::warn(
            TOPIC,
            format!("{name} is a veth: SYNs can be answered with cookies in generic mode alone"),
            "`attach --challenge auto` chooses it; on the host itself, attach to the physical \
             interface instead"
                .to_owned(),
        ),
        Some("bridge") => of_bridge(link, all),
        Some(kind @ ("bond" | "team")) => Finding::warn(
            TOPIC,
            format!(
                "{name} is a {kind} of {}: whether it runs XDP natively hangs on its mode and on \
                 each member's driver, and on Linux 5.15 or newer",
                members_named(link, all)
            ),
            attach_to(&members(link, all)),
        ),
        Some("vlan") => of_vlan(link, all),
        _ => Finding::ok(TOPIC, format!("{name} carries Ethernet frames")),
    }
}

fn of_bridge(link: &Link, all: &[Link]) -> Finding {
    let name = &link.interface.name;
    let physical = outward(link, all);
    let remedy = if physical.is_empty() {
        "attach to the interface with the default route: `synguard doctor` names it".to_owned()
    } else {
        attach_to(&physical)
    };
    Finding::warn(
        TOPIC,
        format!(
            "{name} is a bridge of {}: what its members forward to each other does not come by \
             it, and it runs XDP in generic mode alone",
            members_named(link, all)
        ),
        remedy,
    )
}

fn of_vlan(link: &Link, all: &[Link]) -> Finding {
    let name = &link.interface.name;
    let below = link.below.and_then(|index| of_index(all, index));
    let below = below.map_or("the interface below it", |below| &below.interface.name);
    Finding::warn(
        TOPIC,
        format!(
            "{name} is a VLAN on {below}: it runs XDP in generic mode alone, and what comes by \
             {below} otherwise is not filtered"
        ),
        format!("attach to {below}: SynGuard looks behind VLAN tags"),
    )
}

fn of_membership(link: &Link, all: &[Link]) -> Option<Finding> {
    const TOPIC: &str = "membership";
    let name = &link.interface.name;
    let master = of_index(all, link.master?)?;
    let of = &master.interface.name;
    let others: Vec<_> = members(master, all)
        .into_iter()
        .filter(|member| *member != name)
        .collect();
    match master.kind.as_deref() {
        Some("bridge") => Some(Finding::ok(
            TOPIC,
            format!(
                "{name} is a port of the bridge {of}, and the place to attach to: what comes in \
                 by it is seen here, be it for this host or for others on {of}"
            ),
        )),
        Some(kind @ ("bond" | "team")) if master.interface.xdp.is_some() => Some(Finding::fail(
            TOPIC,
            format!(
                "{name} is a member of the {kind} {of}, which has an XDP program: the kernel \
                 takes no other on its members"
            ),
        )),
        Some(kind @ ("bond" | "team")) if !others.is_empty() => Some(Finding::warn(
            TOPIC,
            format!(
                "{name} is a member of the {kind} {of}: the share that comes in by {} is not seen \
                 here",
                others.join(" and ")
            ),
            attach_to(&members(master, all)),
        )),
        _ => None,
    }
}

/// Those that a bridge is reached from outside by: neither a container's veth nor a
/// virtual machine's tap.
pub(super) fn outward<'all>(bridge: &Link, all: &'all [Link]) -> Vec<&'all str> {
    let is_guest = |link: &Link| matches!(link.kind.as_deref(), Some("veth" | "tun" | "tap"));
    all.iter()
        .filter(|link| link.master == Some(bridge.interface.index) && !is_guest(link))
        .map(|link| link.interface.name.as_str())
        .collect()
}

pub(super) fn members<'all>(master: &Link, all: &'all [Link]) -> Vec<&'all str> {
    all.iter()
        .filter(|link| link.master == Some(master.interface.index))
        .map(|link| link.interface.name.as_str())
        .collect()
}

pub(super) fn of_index(all: &[Link], index: u32) -> Option<&Link> {
    all.iter().find(|link| link.interface.index == index)
}

fn members_named(master: &Link, all: &[Link]) -> String {
    let members = members(master, all);
    if members.is_empty() {
        return "no interfaces yet".to_owned();
    }
    members.join(", ")
}

fn attach_to(names: &[&str]) -> String {
    let commands: Vec<_> = names
        .iter()
        .map(|name| format!("`synguard attach {name}`"))
        .collect();
    match commands.as_slice() {
        [] => "give it members, and attach to each of them".to_owned(),
        commands => commands.join(" and "),
    }
}

/// An interface for tests.
#[cfg(test)]
pub(super) fn example(index: u32, name: &str, kind: Option<&str>, master: Option<u32>) -> Link {
    Link {
        interface: crate::interface::Interface {
            name: name.to_owned(),
            index,
            ethernet: true,
            link_layer: "ether".to_owned(),
            veth: kind == Some("veth"),
            up: true,
            xdp: None,
        },
        kind: kind.map(str::to_owned),
        mtu: 1500,
        master,
        below: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use crate::interface::XdpProgram;

    /// A bridge of a card and a container, a bond of two cards, and a VLAN.
    fn host() -> Vec<Link> {
        vec![
            example(1, "eth0", None, Some(10)),
            example(2, "veth0", Some("veth"), Some(10)),
            example(10, "br0", Some("bridge"), None),
            example(3, "eth1", None, Some(11)),
            example(4, "eth2", None, Some(11)),
            example(11, "bond0", Some("bond"), None),
            Link {
                below: Some(5),
                ..example(12, "eth3.7", Some("vlan"), None)
            },
            example(5, "eth3", None, None),
            example(13, "docker0", Some("bridge"), None),
        ]
    }

    #[test]
    fn each_is_told_where_to_attach() {
        let host = host();
        for (index, levels, words) in [
            (1, vec![Level::Ok, Level::Ok], "the place to attach to"),
            (2, vec![Level::Warn, Level::Ok], "physical"),
            (10, vec![Level::Warn], "`synguard attach eth0`"),
            (3, vec![Level::Ok, Level::Warn], "comes in by eth2"),
            (
                11,
                vec![Level::Warn],
                "`synguard attach eth1` and `synguard attach eth2`",
            ),
            (12, vec![Level::Warn], "attach to eth3:"),
            (5, vec![Level::Ok], "Ethernet"),
            (13, vec![Level::Warn], "default route"),
        ] {
            let findings = of_link(of_index(&host, index).unwrap(), &host);
            let found: Vec<_> = findings.iter().map(|one| one.level).collect();
            assert_eq!(found, levels, "{findings:?}");
            assert!(format!("{findings:?}").contains(words), "{findings:?}");
        }
    }

    #[test]
    fn a_bond_with_a_program_takes_none_on_its_members() {
        let mut host = host();
        host[5].interface.xdp = Some(XdpProgram {
            id: 7,
            native: true,
        });
        let findings = of_link(&host[3], &host);
        assert_eq!(findings[1].level, Level::Fail, "{findings:?}");
    }

    #[test]
    fn a_tunnel_cannot_be_filtered() {
        let mut tunnel = example(1, "wg0", Some("wireguard"), None);
        tunnel.interface.ethernet = false;
        assert_eq!(of_link(&tunnel, &[])[0].level, Level::Fail);
    }
}
