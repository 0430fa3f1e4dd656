//! Reads the rules of this network namespace with the tools that are there.

use std::fs;

use serde_json::Value;

use super::packet::Family;
use super::ruleset::Table;
use super::tool::{self, Failure};
use super::{Firewall, Hindrance, in_use, iptables, nft};
use crate::Result;

const LOOSE: &str = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";

/// The two makes of iptables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Make {
    /// Whose rules are those of nftables.
    Nft,
    Legacy,
}

/// Reads the rules of the calling thread's network namespace.
///
/// Where the kernel holds no rules, no tool is run. A tool that is missing or
/// fails is no error: the [`Firewall`] then says what it does not know.
///
/// # Errors
///
/// [`crate::Error::Privilege`] for anybody but root.
pub fn survey() -> Result<Firewall> {
    let mut firewall = Firewall {
        loose: is_loose(),
        ..Firewall::default()
    };
    let held = in_use::nft_tables()?;
    if !held.is_empty() {
        add_nft(&mut firewall, held, list_nft(), save_nft);
    }
    for family in [Family::V4, Family::V6] {
        if !in_use::legacy_tables(family)?.is_empty() {
            add_legacy(&mut firewall, family);
        }
    }
    Ok(firewall)
}

/// The default, and without connection tracking it does not matter.
fn is_loose() -> bool {
    fs::read_to_string(LOOSE).map_or(true, |text| text.trim() != "0")
}

/// What nft printed: the tables, and the names of those that it cannot show.
type Listed = Result<(Vec<Table>, Vec<String>), Failure>;

/// Takes what nft listed, and what it could not show from iptables. `held` are
/// the tables that the kernel holds.
fn add_nft(
    firewall: &mut Firewall,
    held: Vec<String>,
    listed: Listed,
    saved: impl FnOnce() -> Vec<Table>,
) {
    let (opaque, why) = match listed {
        Ok((tables, opaque)) => {
            firewall.tables.extend(tables);
            let why = "it holds rules of iptables, which `nft` cannot show".to_owned();
            (opaque, why)
        }
        Err(Failure::Missing) => (held, "there is no `nft`".to_owned()),
        Err(Failure::Failed(why)) => (held, why),
    };
    if opaque.is_empty() {
        return;
    }
    let mut saved = saved();
    for name in opaque {
        firewall.tables.retain(|table| table.name != name);
        match saved.iter().position(|table| table.name == name) {
            Some(index) => firewall.tables.push(saved.swap_remove(index)),
            None => firewall.unread(
                format!("table {name} of nftables cannot be read: {why}"),
                "Install the tools for it: packages nftables and iptables.",
            ),
        }
    }
}

/// What iptables made of nftables' tables. What cannot be read is not there.
fn save_nft() -> Vec<Table> {
    [Family::V4, Family::V6]
        .into_iter()
        .filter_map(|family| Some(iptables::tables(&save(Make::Nft, family).ok()?, family)))
        .flatten()
        .collect()
}

fn list_nft() -> Listed {
    let unreadable = || Failure::Failed("`nft` printed no JSON".to_owned());
    let printed = tool::run("nft", &["-j", "-t", "list", "ruleset"])?;
    let ruleset = serde_json::from_str(&printed).map_err(|_| unreadable())?;
    let sets = list_sets(&nft::wanted(&ruleset));
    // For people only: they can do without.
    let text = tool::run("nft", &["-a", "-s", "-t", "list", "ruleset"]).unwrap_or_default();
    let tables = nft::tables(&nft::Listing {
        ruleset: &ruleset,
        sets: &sets,
        text: &text,
    });
    Ok((tables, nft::opaque_tables(&ruleset)))
}

/// What cannot be listed stays unknown. One by one: nft 1.0.6 finds no more than
/// one set in a run.
fn list_sets(wanted: &[nft::SetName]) -> Vec<Value> {
    let printed = wanted.iter().filter_map(|set| {
        let arguments = set.list_command();
        tool::run("nft", &[&["-j"], &arguments[..]].concat()).ok()
    });
    let documents = printed.map(|text| serde_json::from_str(&text));
    documents.filter_map(std::result::Result::ok).collect()
}

fn add_legacy(firewall: &mut Firewall, family: Family) {
    let why = match save(Make::Legacy, family) {
        Ok(saved) => return firewall.tables.extend(iptables::tables(&saved, family)),
        Err(Failure::Missing) => "there is no `iptables-legacy-save`".to_owned(),
        Err(Failure::Failed(why)) => why,
    };
    firewall.unread(
        format!("the kernel holds rules of the old iptables: {why}"),
        "Install the tool for it: package iptables.",
    );
}

/// What `iptables-save` of this make prints.
fn save(make: Make, family: Family) -> Result<String, Failure> {
    let prefix = match family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    };
    let infix = match make {
        Make::Nft => "nft",
        Make::Legacy => "legacy",
    };
    match tool::run(&format!("{prefix}-{infix}-save"), &[]) {
        Err(Failure::Missing) => {}
        other => return other,
    }
    let plain = format!("{prefix}-save");
    let version = tool::run(&plain, &["-V"])?;
    if version.contains("nf_tables") == (make == Make::Nft) {
        tool::run(&plain, &[])
    } else {
        Err(Failure::Missing)
    }
}

impl Firewall {
    /// One of which nothing is known.
    pub fn unknown(why: &crate::Error) -> Self {
        let mut firewall = Self::default();
        let remedy = "Run it as root: no less may read the packet filter's rules.";
        firewall.unread(why.to_string(), remedy);
        firewall
    }

    fn unread(&mut self, what: String, remedy: &str) {
        self.unread.get_or_insert(Hindrance::Unreadable {
            what,
            remedy: remedy.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        Table::new(name.to_owned(), None)
    }

    /// What is held, listed and saved; the tables that are then known, and
    /// the beginning of why not all are.
    type Row = (
        &'static [&'static str],
        Result<(&'static [&'static str], &'static [&'static str]), Failure>,
        &'static [&'static str],
        &'static [&'static str],
        Option<&'static str>,
    );

    #[test]
    fn what_one_tool_cannot_read_another_may() {
        let failed = Failure::Failed("`nft` did not end within 10s".to_owned());
        let rows: [Row; 6] = [
            (&["inet a"], Ok((&["inet a"], &[])), &[], &["inet a"], None),
            (
                &["inet a", "ip nat"],
                Ok((&["inet a", "ip nat"], &["ip nat"])),
                &["ip filter", "ip nat"],
                &["inet a", "ip nat"],
                None,
            ),
            (
                &["ip nat"],
                Ok((&["ip nat"], &["ip nat"])),
                &[],
                &[],
                Some("table ip nat of nftables cannot be read: it holds rules of iptables"),
            ),
            (
                &["ip nat"],
                Err(Failure::Missing),
                &["ip nat"],
                &["ip nat"],
                None,
            ),
            (
                &["inet a", "ip nat"],
                Err(Failure::Missing),
                &["ip nat"],
                &["ip nat"],
                Some("table inet a of nftables cannot be read: there is no `nft`"),
            ),
            (
                &["inet a"],
                Err(failed),
                &[],
                &[],
                Some("table inet a of nftables cannot be read: `nft` did not end"),
            ),
        ];
        let tables = |names: &[&str]| names.iter().copied().map(table).collect::<Vec<_>>();
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        for (held, listed, saved, known, why) in rows {
            let mut firewall = Firewall::default();
            let listed = listed.map(|(all, opaque)| (tables(all), names(opaque)));
            add_nft(&mut firewall, names(held), listed, || tables(saved));
            assert_eq!(firewall.tables, tables(known), "{held:?}");
            let told = firewall.unread.map(|unread| unread.to_string());
            let begins = |why| told.as_ref().is_some_and(|told| told.contains(why));
            assert!(why.map_or(told.is_none(), begins), "{told:?}");
        }
    }
}
