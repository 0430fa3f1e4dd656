//! How many rules there are, by where they lie and who says so.

use std::collections::BTreeMap;

use ipnet::IpNet;
use synguard_common::abi::{Rule, origin};
use synguard_common::source::SourceMask;

use crate::address;

/// The tables that rules lie in, each with room of its own.
const TABLES: [&str; 4] = ["exact_v4", "exact_v6", "prefix_v4", "prefix_v6"];
/// Who says so.
const ORIGINS: [&str; 4] = ["automatic", "manual", "protected", "list"];

/// How many rules there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleCounts([[u64; ORIGINS.len()]; TABLES.len()]);

impl RuleCounts {
    /// Counts one more.
    pub(crate) fn add(&mut self, net: &IpNet, rule: &Rule, mask: &SourceMask) {
        let family = usize::from(matches!(net, IpNet::V6(_)));
        let table = family + 2 * usize::from(!address::is_source(net, mask));
        let origin = match rule.origin {
            origin::AUTOMATIC => 0,
            origin::MANUAL => 1,
            origin::LIST => 3,
            _ => 2,
        };
        self.0[table][origin] += 1;
    }

    /// Each count, by table and origin.
    pub(super) fn each(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        let rows = TABLES.into_iter().zip(self.0);
        rows.flat_map(|(table, counts)| {
            let counts = ORIGINS.into_iter().zip(counts);
            counts.map(move |(origin, count)| ((table, origin), count))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::BLANK;

    #[test]
    fn a_rule_is_counted_where_it_lies() {
        let mask = SourceMask::new(32, 64);
        let mut counts = RuleCounts::default();
        for (net, origin) in [
            ("192.0.2.1/32", origin::AUTOMATIC),
            ("192.0.2.0/24", origin::MANUAL),
            ("2001:db8::/64", origin::LIST),
            ("2001:db8::1/128", origin::GATEWAY),
        ] {
            let rule = Rule { origin, ..BLANK };
            counts.add(&net.parse().unwrap(), &rule, &mask);
        }
        let counts = counts.each();
        assert_eq!(counts.len(), 16);
        for place in [
            ("exact_v4", "automatic"),
            ("prefix_v4", "manual"),
            ("exact_v6", "list"),
            ("prefix_v6", "protected"),
        ] {
            assert_eq!(counts[&place], 1, "{place:?}");
        }
        assert_eq!(counts.values().sum::<u64>(), 4);
    }
}
