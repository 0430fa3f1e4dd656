//! The automatic bans in force, so that they need not be searched for.

use std::collections::HashMap;

use ipnet::IpNet;
use synguard_common::abi::Rule;

use crate::class::Class;

/// When a ban was made and when it ends, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ban {
    since: u64,
    expires: u64,
    class: Class,
}

/// The bans of one interface.
#[derive(Debug, Default)]
pub(super) struct Bans(HashMap<IpNet, Ban>);

impl Bans {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn nets(&self) -> impl Iterator<Item = IpNet> {
        self.0.keys().copied()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn insert(&mut self, net: IpNet, rule: &Rule, class: Class) {
        let ban = Ban {
            since: rule.since,
            expires: rule.expires,
            class,
        };
        self.0.insert(net, ban);
    }

    pub(super) fn remove(&mut self, net: &IpNet) {
        self.0.remove(net);
    }

    /// How many there are of this class.
    pub(super) fn of(&self, class: Class) -> u64 {
        let of_class = self.0.values().filter(|ban| ban.class == class);
        of_class.count() as u64
    }

    /// When this one was made, in ticks.
    pub(super) fn since(&self, net: &IpNet) -> Option<u64> {
        self.0.get(net).map(|ban| ban.since)
    }

    /// Those whose time is over at `now`, and those at most `age` old: their
    /// sources may yet prove to be clients.
    pub(super) fn to_look_at(&self, now: u64, age: u64) -> Vec<IpNet> {
        let due = |ban: &Ban| ban.expires <= now || now.saturating_sub(ban.since) <= age;
        let due = self.0.iter().filter(|(_, ban)| due(ban));
        due.map(|(net, _)| *net).collect()
    }

    /// Whether there is one at most `age` old.
    pub(super) fn any_since(&self, now: u64, age: u64) -> bool {
        self.0
            .values()
            .any(|ban| now.saturating_sub(ban.since) <= age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::BLANK;

    #[test]
    fn bans_are_looked_at_while_young_and_when_over() {
        let mut bans = Bans::default();
        for (net, since, expires) in [
            ("192.0.2.1/32", 0, 1000),
            ("192.0.2.2/32", 90, 1000),
            ("192.0.2.3/32", 0, 100),
        ] {
            let rule = Rule {
                since,
                expires,
                ..BLANK
            };
            bans.insert(net.parse().unwrap(), &rule, Class::Flood);
        }
        let mut due = bans.to_look_at(100, 10);
        due.sort();
        let due: Vec<_> = due.iter().map(ToString::to_string).collect();
        assert_eq!(due, ["192.0.2.2/32", "192.0.2.3/32"]);
        assert_eq!((bans.of(Class::Flood), bans.of(Class::Scan)), (3, 0));
        assert!(bans.any_since(100, 10) && !bans.any_since(101, 10));
    }
}
