//! Which entries of a list are left out, so that no list locks anybody out.

use std::net::IpAddr;

use ipnet::IpNet;
use synguard_common::abi::{Rule, action, origin};

use crate::protected;

/// Entries of a block list that were left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Within a prefix that is allowed.
    pub allowed: u64,
    /// Those that would cut this host off from an address that it depends on:
    /// which, and why.
    pub depended_on: Vec<(IpNet, String)>,
}

/// Takes from `entries` what must not be blocked, given the `allows` in force.
///
/// A list of unassigned addresses names the private ones too, from which a home
/// server's own clients come: an entry that holds an address of this host, its
/// gateway or its resolver is left out, and so is one that holds the other end
/// of the ssh session.
pub fn leave_out<T>(
    entries: &mut Vec<(IpNet, T)>,
    allows: &[(IpNet, Rule)],
    ssh_peer: Option<IpAddr>,
) -> LeftOut {
    let mut left_out = LeftOut::default();
    let protections: Vec<_> = allows
        .iter()
        .filter(|(_, rule)| rule.origin >= origin::OWN && rule.origin != origin::LIST)
        .map(|(net, rule)| (net.addr(), protected::reason(rule.origin)))
        .chain(ssh_peer.map(|peer| (peer, "the other end of your ssh session")))
        .collect();
    let allowed = Ranges::of(allows);
    entries.retain(|(net, _)| {
        if let Some((address, why)) = protections
            .iter()
            .find(|(address, _)| net.contains(address))
        {
            let said = format!("it holds {address} ({why})");
            left_out.depended_on.push((*net, said));
            false
        } else if allowed.hold(net) {
            left_out.allowed += 1;
            false
        } else {
            true
        }
    });
    left_out
}

/// Disjoint ranges of addresses, sorted.
struct Ranges(Vec<(IpAddr, IpAddr)>);

impl Ranges {
    fn of(rules: &[(IpNet, Rule)]) -> Self {
        let allows = rules
            .iter()
            .filter(|(_, rule)| rule.action == action::ALLOW);
        let nets: Vec<_> = allows.map(|(net, _)| *net).collect();
        // Without those inside others.
        let nets = IpNet::aggregate(&nets);
        let mut ranges: Vec<_> = nets
            .iter()
            .map(|net| (net.network(), net.broadcast()))
            .collect();
        ranges.sort_unstable();
        Self(ranges)
    }

    fn hold(&self, net: &IpNet) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= net.network());
        let before = after.checked_sub(1).and_then(|index| self.0.get(index));
        before.is_some_and(|(_, last)| *last >= net.broadcast())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::BLANK;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn allow(prefix: &str, origin: u8) -> (IpNet, Rule) {
        let rule = Rule {
            action: action::ALLOW,
            origin,
            ..BLANK
        };
        (net(prefix), rule)
    }

    #[test]
    fn what_is_allowed_or_depended_on_is_left_out() {
        let allows = [
            allow("198.51.100.0/24", origin::MANUAL),
            allow("192.168.1.10/32", origin::OWN),
            allow("2001:db8::53/128", origin::RESOLVER),
        ];
        let all = [
            "5.39.90.0/24",
            "192.168.0.0/16",
            "198.51.100.0/25",
            "198.51.100.7/32",
            "198.51.0.0/16",
            "203.0.113.0/24",
            "2001:db8::/32",
            "2001:db9::/32",
        ];
        let mut entries: Vec<_> = all.iter().map(|text| (net(text), ())).collect();
        let peer = "203.0.113.9".parse().ok();
        let left_out = leave_out(&mut entries, &allows, peer);
        let kept: Vec<_> = entries.iter().map(|(net, ())| net.to_string()).collect();
        assert_eq!(kept, ["5.39.90.0/24", "198.51.0.0/16", "2001:db9::/32"]);
        assert_eq!(left_out.allowed, 2);
        let named: Vec<_> = left_out
            .depended_on
            .iter()
            .map(|(net, _)| net.to_string())
            .collect();
        assert_eq!(named, ["192.168.0.0/16", "203.0.113.0/24", "2001:db8::/32"]);
        assert!(left_out.depended_on[0].1.contains("192.168.1.10"));
    }

    #[test]
    fn nothing_allowed_leaves_nothing_out() {
        let mut entries = vec![(net("0.0.0.0/1"), ())];
        assert_eq!(leave_out(&mut entries, &[], None), LeftOut::default());
        assert_eq!(entries.len(), 1);
    }
}
