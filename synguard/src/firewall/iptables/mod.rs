//! What `iptables-save` and `ip6tables-save` print.

mod condition;
mod rule;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use super::packet::Family;
use super::ruleset::{Base, Hook, Table};

/// The tables in the output of `iptables-save` ([`Family::V4`]) or `ip6tables-save`.
pub(super) fn tables(saved: &str, family: Family) -> Vec<Table> {
    let mut tables = Vec::new();
    for part in saved.split("\n*").map(|part| part.trim_start_matches('*')) {
        // What comes before the first table are comments.
        let name = part.lines().next().unwrap_or_default().trim();
        if !name.is_empty() && !name.starts_with('#') {
            tables.push(table(name, part, family));
        }
    }
    tables
}

fn table(name: &str, part: &str, family: Family) -> Table {
    let prefix = match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    };
    let mut table = Table::new(format!("{prefix} {name}"), Some(family));
    let headers: Vec<_> = part
        .lines()
        .filter_map(|line| line.strip_prefix(':')?.split_once(' '))
        .collect();
    for (chain, policy) in &headers {
        table.chain(chain).base = base(name, chain, policy.starts_with("DROP"));
    }
    let chains: BTreeSet<_> = headers.iter().map(|(chain, _)| *chain).collect();
    for line in part.lines().filter(|line| line.starts_with("-A ")) {
        if let Some((chain, rules)) = rule::read(line, &chains) {
            table.chain(&chain).rules.extend(rules);
        }
    }
    table
}

/// Where and when packets come to the built-in chains (`NF_IP_PRI_*` in
/// `include/uapi/linux/netfilter_ipv4.h`).
fn base(table: &str, chain: &str, drops: bool) -> Option<Base> {
    let hook = match chain {
        "PREROUTING" => Hook::Prerouting,
        "INPUT" => Hook::Input,
        "FORWARD" => Hook::Forward,
        _ => return None,
    };
    let priority = match table {
        "raw" => -300,
        "mangle" => -150,
        "nat" => -100,
        "security" => 50,
        _ => 0,
    };
    Some(Base {
        hook,
        priority,
        drops,
    })
}
