//! What the fleet tells people and the service manager.

use std::fmt;

use tracing::warn;

use super::Fleet;
use super::plan::Wanted;
use crate::dataplane::Pins;
use crate::interface::Pattern;
use crate::metrics;
use crate::service;

/// More interfaces than these are counted, and not named.
const NAMED: usize = 8;

impl Fleet {
    /// Says that all that is there is filtered, and what is not there.
    pub(super) fn introduce(&mut self) {
        for glob in self.wanted.globs() {
            if !self.wards.keys().any(|name| glob.matches(name)) {
                warn!("{glob}: no interface that can be filtered has such a name: waiting for one");
            }
        }
        self.told = self.state();
        service::ready(&self.told);
    }

    /// Tells metrics, and the service manager if anything is new.
    pub(super) fn tell(&mut self) {
        if self.ready && !self.stopping {
            self.tell_metrics();
        }
        let state = self.state();
        if self.ready && state != self.told {
            service::status(&state);
            self.told = state;
        }
    }

    fn tell_metrics(&self) {
        let links = self.links.borrow();
        let is_pinned_by_others =
            |name: &str| !self.wards.contains_key(name) && Pins::of(name).exist();
        let duty = |name: &str| self.wanted.duty(name, &links, is_pinned_by_others);
        let missing = |name: &&str| {
            // What people detached is not missed.
            !self.wards.contains_key(*name) && !self.aside.is_taken_off(name)
        };
        metrics::look(self.wanted.exact().filter(missing), duty);
    }

    fn state(&self) -> String {
        let is_away = |name: &&str| self.wards[*name].away.get().is_some();
        let wards = self.wards.keys().map(String::as_str);
        let (mut away, filtered): (Vec<_>, Vec<_>) = wards.partition(is_away);
        away.extend(self.absent.keys().map(String::as_str));
        state(&filtered, &away)
    }
}

fn state(filtered: &[&str], waited_for: &[&str]) -> String {
    let filtering = match filtered {
        [] => "filtering nothing".to_owned(),
        some => format!("filtering {}", named(some)),
    };
    match waited_for {
        [] => filtering,
        some => format!("{filtering}; waiting for {}", named(some)),
    }
}

fn named(names: &[&str]) -> String {
    if names.len() > NAMED {
        return format!("{} interfaces", names.len());
    }
    names.join(", ")
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(Pattern::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_named_and_many_counted() {
        assert_eq!(state(&[], &[]), "filtering nothing");
        assert_eq!(
            state(&["eth0", "eth1"], &["wg0"]),
            "filtering eth0, eth1; waiting for wg0"
        );
        assert_eq!(state(&["v"; 9], &[]), "filtering 9 interfaces");
    }
}
