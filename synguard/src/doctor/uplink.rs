//! Which interface to attach to, where none was named.

use super::Finding;
use super::link::{members, of_index, outward};
use crate::interface::Link;

const TOPIC: &str = "default route";

/// `uplinks`: the numbers of the interfaces that default routes leave by, the preferred
/// first.
pub fn of_uplinks(uplinks: &[u32], all: &[Link]) -> Vec<Finding> {
    let findings: Vec<_> = uplinks
        .iter()
        .filter_map(|index| of_index(all, *index))
        .map(|link| of_uplink(link, all))
        .collect();
    if !findings.is_empty() {
        return findings;
    }
    vec![Finding::warn(
        TOPIC,
        "there is none: which interface the Internet is behind cannot be told",
        "name the interface: `synguard doctor IFACE`".to_owned(),
    )]
}

fn of_uplink(link: &Link, all: &[Link]) -> Finding {
    let name = link.interface.name.as_str();
    let (what, places) = match link.kind.as_deref() {
        Some("bridge") => (", a bridge", outward(link, all)),
        Some("bond" | "team") => (", a bond", members(link, all)),
        Some("vlan") => (", a VLAN", below(link, all)),
        _ => ("", vec![name]),
    };
    let places = if places.is_empty() {
        vec![name]
    } else {
        places
    };
    let commands = |command: &str| {
        let each = places
            .iter()
            .map(|place| format!("`synguard {command} {place}`"));
        each.collect::<Vec<_>>().join(" and ")
    };
    Finding::ok(
        TOPIC,
        format!(
            "leaves by {name}{what}: {} filters what comes from there, {} looks at it first",
            commands("attach"),
            commands("doctor")
        ),
    )
}

fn below<'all>(link: &Link, all: &'all [Link]) -> Vec<&'all str> {
    let below = link.below.and_then(|index| of_index(all, index));
    below
        .map(|below| below.interface.name.as_str())
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;
    use crate::doctor::link::example;

    #[test]
    fn what_carries_the_default_route_is_what_to_attach_to() {
        let host = [
            example(1, "eth0", None, Some(10)),
            example(2, "vnet0", Some("tun"), Some(10)),
            example(10, "br0", Some("bridge"), None),
            example(3, "eth1", None, Some(11)),
            example(4, "eth2", None, Some(11)),
            example(11, "bond0", Some("bond"), None),
            Link {
                below: Some(5),
                ..example(12, "eth3.7", Some("vlan"), None)
            },
            example(5, "eth3", None, None),
            example(6, "br1", Some("bridge"), None),
        ];
        for (uplink, words) in [
            (5, "`synguard attach eth3` filters"),
            (10, "by br0, a bridge: `synguard attach eth0` filters"),
            (11, "`synguard attach eth1` and `synguard attach eth2`"),
            (12, "by eth3.7, a VLAN: `synguard attach eth3` filters"),
            (6, "`synguard attach br1` filters"),
        ] {
            let finding = &of_uplinks(&[uplink], &host)[0];
            assert_eq!(finding.level, Level::Ok);
            assert!(finding.reason.contains(words), "{finding:?}");
        }
    }

    #[test]
    fn without_one_the_interface_must_be_named() {
        assert_eq!(of_uplinks(&[], &[])[0].level, Level::Warn);
        assert_eq!(of_uplinks(&[99], &[])[0].level, Level::Warn);
    }
}
