//! What there is to do, by what is wanted and what is there. Pure.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::interface::{Interface, Links, Pattern};
use crate::metrics::Duty;

/// How long the state of an interface that a glob means is kept after it is gone: those
/// of containers never come back, as each gets another name.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(60);
/// Of how many such interfaces at once, the last ones gone.
pub(super) const KEPT: usize = 16;

/// How many interfaces are attached at most that globs alone mean: each takes kernel memory
/// (docs/interfaces.md), and a host may have thousands of containers.
pub(super) const MOST: usize = 64;

/// What is wanted, whether it is there or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted(pub(super) Vec<Pattern>);

impl Wanted {
    /// Whether it is named as it is.
    pub(super) fn names(&self, name: &str) -> bool {
        self.exact().any(|exact| exact == name)
    }

    pub(super) fn means(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }

    /// The names without wildcards.
    pub(super) fn exact(&self) -> impl Iterator<Item = &str> {
        let exact = self.0.iter().filter(|pattern| pattern.is_exact());
        exact.map(Pattern::as_str)
    }

    pub(super) fn globs(&self) -> impl Iterator<Item = &Pattern> {
        self.0.iter().filter(|pattern| !pattern.is_exact())
    }

    /// Which to attach to first; `is_taken` picks those that are not to be.
    ///
    /// One that only a glob means has to be up: no packet comes in before, and the one
    /// end of a veth that is about to move into a container is not meant.
    pub(super) fn next<'l>(
        &self,
        links: &'l Links,
        mut is_taken: impl FnMut(&Interface) -> bool,
    ) -> Option<&'l Interface> {
        let named = |interface: &&Interface| self.names(&interface.name);
        let meant = |interface: &&Interface| interface.up && self.means(&interface.name);
        let mut present = links.present.iter();
        let mut again = links.present.iter();
        present
            .find(|interface| named(interface) && !is_taken(interface))
            .or_else(|| again.find(|interface| meant(interface) && !is_taken(interface)))
    }

    /// Whether only globs mean it, and enough of those in charge.
    pub(super) fn is_one_too_many<'n>(
        &self,
        name: &str,
        in_charge: impl IntoIterator<Item = &'n String>,
    ) -> bool {
        let in_charge = in_charge.into_iter();
        let meant = in_charge.filter(|other| !self.names(other));
        !self.names(name) && meant.count() >= MOST
    }

    /// The names that no interface has.
    pub(super) fn absent<'s>(&'s self, links: &Links) -> impl Iterator<Item = &'s str> {
        self.exact().filter(|name| links.named(name).is_none())
    }

    /// Who is to filter it: another process where one has pinned a filter, and some program
    /// runs there.
    pub(super) fn duty(
        &self,
        name: &str,
        links: &Links,
        is_pinned_by_others: impl Fn(&str) -> bool,
    ) -> Duty {
        let found = links.named(name);
        let is_meant = found.is_some() && self.means(name);
        if !is_meant && !self.names(name) {
            return Duty::Nobodys;
        }
        let runs_any = found.is_some_and(|interface| interface.xdp.is_some());
        if runs_any && is_pinned_by_others(name) {
            Duty::Others
        } else {
            Duty::Ours
        }
    }
}

/// An interface that is gone, and that a glob means.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub(super) name: String,
    pub(super) since: Instant,
}

/// Those that will not come back.
pub(super) fn gone_for_good(mut gone: Vec<Gone>, now: Instant) -> BTreeSet<String> {
    gone.sort_by_key(|gone| std::cmp::Reverse(gone.since));
    let ranked = gone.into_iter().enumerate();
    let over = ranked.filter(|(rank, gone)| {
        *rank >= KEPT || now.saturating_duration_since(gone.since) >= KEPT_FOR
    });
    over.map(|(_, gone)| gone.name).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::interface::XdpProgram;

    fn wanted(patterns: &[&str]) -> Wanted {
        Wanted(patterns.iter().map(|text| Pattern::new(text)).collect())
    }

    fn links(names: &[(&str, bool)]) -> Links {
        let numbered = (1..).zip(names);
        let present = numbered.map(|(index, (name, up))| Interface {
            name: (*name).to_owned(),
            index,
            ethernet: true,
            link_layer: "ether".to_owned(),
            veth: false,
            up: *up,
            xdp: None,
        });
        Links {
            present: present.collect(),
            taken: Instant::now(),
            told: Instant::now(),
            deleted: BTreeMap::new(),
        }
    }

    /// All that would be attached, one after the other.
    fn attached(patterns: &[&str], names: &[(&str, bool)]) -> Vec<String> {
        let (wanted, links) = (wanted(patterns), links(names));
        let mut taken = Vec::new();
        while let Some(next) = wanted.next(&links, |other| taken.contains(&other.name)) {
            taken.push(next.name.clone());
        }
        taken
    }

    #[test]
    fn what_is_named_is_attached_and_what_a_glob_means_once_it_is_up() {
        let names = [
            ("lo", true),
            ("eth0", false),
            ("veth1", true),
            ("veth2", false),
            ("wg0", true),
        ];
        for (patterns, expected) in [
            (&["eth0"][..], &["eth0"][..]),
            (&["eth*"], &[]),
            (&["veth*", "eth0"], &["eth0", "veth1"]),
            (&["*"], &["veth1", "wg0"]),
            (&["lo"], &["lo"]),
            (&["eth0", "eth*"], &["eth0"]),
            (&["eth1"], &[]),
            (&[], &[]),
        ] {
            assert_eq!(attached(patterns, &names), expected, "{patterns:?}");
        }
    }

    #[test]
    fn names_come_first_and_globs_mean_so_many_at_most() {
        let names = [("veth1", true), ("eth0", true)];
        assert_eq!(attached(&["veth*", "eth0"], &names), ["eth0", "veth1"]);
        let wanted = wanted(&["eth0", "eth1", "veth*"]);
        let mut in_charge: Vec<_> = (1..MOST).map(|n| format!("veth{n}")).collect();
        in_charge.push("eth0".to_owned());
        assert!(!wanted.is_one_too_many("veth0", &in_charge));
        in_charge.push("veth999".to_owned());
        assert!(wanted.is_one_too_many("veth0", &in_charge));
        assert!(!wanted.is_one_too_many("eth1", &in_charge));
    }

    #[test]
    fn absent_are_names_alone() {
        let wanted = wanted(&["eth0", "eth1", "veth*"]);
        let links = links(&[("eth0", false)]);
        assert_eq!(wanted.absent(&links).collect::<Vec<_>>(), ["eth1"]);
        assert!(wanted.means("veth1") && !wanted.names("veth1") && wanted.names("eth1"));
    }

    #[test]
    fn what_is_gone_is_missed_only_if_it_was_named() {
        let wanted = wanted(&["eth0", "veth*"]);
        let there = links(&[("eth0", true), ("veth1", true), ("wg0", true)]);
        let gone = links(&[]);
        let nobody = |_: &str| false;
        for (name, here, away) in [
            ("eth0", Duty::Ours, Duty::Ours),
            ("veth1", Duty::Ours, Duty::Nobodys),
            ("wg0", Duty::Nobodys, Duty::Nobodys),
        ] {
            assert_eq!(wanted.duty(name, &there, nobody), here, "{name}");
            assert_eq!(wanted.duty(name, &gone, nobody), away, "{name}");
        }
        let mut taken = there;
        assert_eq!(wanted.duty("eth0", &taken, |_| true), Duty::Ours);
        for interface in &mut taken.present {
            interface.xdp = Some(XdpProgram {
                id: 7,
                native: true,
            });
        }
        assert_eq!(wanted.duty("eth0", &taken, nobody), Duty::Ours);
        assert_eq!(wanted.duty("veth1", &taken, |_| true), Duty::Others);
    }

    #[test]
    fn what_is_gone_for_long_or_among_many_is_forgotten() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let gone = |name: &str, seconds| Gone {
            name: name.to_owned(),
            since: after(seconds),
        };
        let few = vec![gone("a", 0), gone("b", 1)];
        let over = |gone: &[Gone], now| Vec::from_iter(gone_for_good(gone.to_vec(), now));
        assert!(over(&few, after(59)).is_empty());
        assert_eq!(over(&few, after(60)), ["a"]);
        assert_eq!(over(&few, after(61)), ["a", "b"]);
        let many: Vec<_> = (0..20).map(|n| gone(&format!("v{n:02}"), n)).collect();
        assert_eq!(over(&many, after(20)), ["v00", "v01", "v02", "v03"]);
    }
}
