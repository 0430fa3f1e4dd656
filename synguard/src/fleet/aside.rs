//! Interfaces that are left alone for now, and until when. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::interface::{Interface, Links};

/// How long until the second attempt; each further one waits twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// But not longer than this.
const LONGEST: Duration = Duration::from_secs(30);

/// Interfaces that are left alone, by name.
#[derive(Debug, Default)]
pub(super) struct Aside(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    /// Of the interface; none: whatever comes.
    index: Option<u32>,
    since: Instant,
    why: Why,
}

#[derive(Debug)]
enum Why {
    /// Somebody took the filter off: until the interface is another one.
    TakenOff,
    /// It could not be attached.
    Failed {
        text: String,
        /// The XDP program that was on it.
        xdp: Option<u32>,
        pause: Duration,
    },
}

impl Aside {
    /// Leaves it alone, as somebody took the filter off: the interface of this number, or
    /// whatever has the name one day.
    pub(super) fn take_off(&mut self, name: &str, index: Option<u32>, now: Instant) {
        let entry = Entry {
            index,
            since: now,
            why: Why::TakenOff,
        };
        self.0.insert(name.to_owned(), entry);
    }

    /// Leaves it alone for a while, as it cannot be attached; says whether that is news.
    pub(super) fn fail(&mut self, interface: &Interface, why: &str, now: Instant) -> bool {
        let before = self.0.remove(&interface.name);
        let before = before.and_then(|entry| match entry.why {
            Why::Failed { text, pause, .. } => Some((text, pause)),
            Why::TakenOff => None,
        });
        let is_news = before.as_ref().is_none_or(|(text, _)| text != why);
        let entry = Entry {
            index: Some(interface.index),
            since: now,
            why: Why::Failed {
                text: why.to_owned(),
                xdp: xdp(interface),
                // Also where each attempt fails in another way.
                pause: before.map_or(FIRST, |(_, pause)| (pause * 2).min(LONGEST)),
            },
        };
        self.0.insert(interface.name.clone(), entry);
        is_news
    }

    /// Whether it is to be left alone.
    pub(super) fn holds(&self, interface: &Interface, now: Instant) -> bool {
        let entry = self.0.get(&interface.name);
        entry.is_some_and(|entry| match &entry.why {
            Why::TakenOff => true,
            Why::Failed {
                xdp: before, pause, ..
            } => *before == xdp(interface) && now < entry.since + *pause,
        })
    }

    /// Whether somebody took the filter off.
    pub(super) fn is_taken_off(&self, name: &str) -> bool {
        let entry = self.0.get(name);
        entry.is_some_and(|entry| matches!(entry.why, Why::TakenOff))
    }

    /// Forgets what is not there any more, or another one of the same name.
    pub(super) fn forget(&mut self, links: &Links) {
        self.0.retain(|name, entry| {
            let Some(index) = entry.index else {
                return true;
            };
            // Links from before tell nothing.
            let is_there = links.named(name).is_some_and(|found| found.index == index);
            links.taken < entry.since || is_there && !links.was_deleted(index, entry.since)
        });
    }

    /// Tries again what failed. What people had taken off stays so: logrotate has settings
    /// read again, too.
    pub(super) fn try_again(&mut self) {
        self.0.retain(|_, entry| matches!(entry.why, Why::TakenOff));
    }

    /// Forgets the others: named again one day, they are asked for.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| is_wanted(name));
    }

    /// It is attached.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

fn xdp(interface: &Interface) -> Option<u32> {
    interface.xdp.map(|xdp| xdp.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::XdpProgram;

    fn interface(index: u32, xdp: Option<u32>) -> Interface {
        Interface {
            name: "eth0".to_owned(),
            index,
            ethernet: true,
            link_layer: "ether".to_owned(),
            veth: false,
            up: true,
            xdp: xdp.map(|id| XdpProgram { id, native: true }),
        }
    }

    fn links(present: &[Interface], taken: Instant, deleted: &[(u32, Instant)]) -> Links {
        Links {
            present: present.to_vec(),
            taken,
            told: taken,
            deleted: deleted.iter().copied().collect(),
        }
    }

    #[test]
    fn what_fails_is_tried_ever_less_often_and_told_once() {
        let (mut aside, start) = (Aside::default(), Instant::now());
        let taken = interface(2, Some(9));
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(aside.fail(&taken, "taken", start));
        assert!(aside.holds(&taken, start) && !aside.holds(&taken, after(1)));
        assert!(!aside.fail(&taken, "taken", after(1)));
        assert!(aside.holds(&taken, after(2)) && !aside.holds(&taken, after(3)));
        for n in 0..10 {
            assert!(!aside.fail(&taken, "taken", after(n)));
        }
        assert!(aside.holds(&taken, after(38)) && !aside.holds(&taken, after(39)));
        // The program that was in the way is gone.
        assert!(!aside.holds(&interface(2, None), after(10)));
        assert!(aside.fail(&taken, "broken", after(10)));
        assert!(!aside.is_taken_off("eth0"));
    }

    #[test]
    fn what_was_taken_off_stays_off_until_it_is_another_one() {
        let start = Instant::now();
        let later = start + Duration::from_secs(5);
        let same = interface(2, None);
        for (links, left_alone) in [
            (links(std::slice::from_ref(&same), later, &[]), true),
            (links(&[], start - Duration::from_secs(1), &[]), true),
            (links(&[], later, &[]), false),
            (links(&[interface(3, None)], later, &[]), false),
            (
                links(std::slice::from_ref(&same), later, &[(2, later)]),
                false,
            ),
        ] {
            let mut aside = Aside::default();
            aside.take_off("eth0", Some(2), start);
            aside.forget(&links);
            assert_eq!(aside.is_taken_off("eth0"), left_alone, "{links:?}");
            assert_eq!(aside.holds(&same, later), left_alone);
        }
        let mut aside = Aside::default();
        aside.take_off("eth0", Some(2), start);
        aside.try_again();
        assert!(aside.holds(&same, later));
        aside.fail(&same, "taken", start);
        aside.try_again();
        assert!(!aside.holds(&same, later));
        aside.take_off("eth0", None, start);
        aside.forget(&links(&[interface(3, None)], later, &[]));
        assert!(aside.holds(&interface(3, None), later));
    }
}
