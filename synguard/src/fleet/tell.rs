//! What the fleet tells people and the service manager.

use std::fmt;

use tracing::warn;

use super::Fleet;
use super::plan::Wanted;
use crate::interface::Pattern;
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

    /// Tells the service manager, if anything is new.
    pub(super) fn tell(&mut self) {
        let state = self.state();
        if self.ready && state != self.told {
            service::status(&state);
            self.told = state;
        }
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
