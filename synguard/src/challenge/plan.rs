//! For which listeners SYNs are answered, and how. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;

use synguard_common::abi::{Listener, hindrance};
use synguard_common::cookie::ability;

use super::{Firewalls, Hindrance};
use crate::firewall;
use crate::listeners::{Endpoint, Survey, Sysctls, endpoints};
use crate::ports::Ports;
use crate::settings::Challenge;

/// As many as the map of listeners takes; others are the kernel's.
const ROOM: usize = 65_536;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// When.
    pub challenge: Challenge,
    /// To which ports.
    pub ports: Ports,
    /// Whether sysctls may be set.
    pub manage_sysctls: bool,
}

/// For which listeners SYNs are answered, and how.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// For every address and port that somebody listens at.
    pub listeners: Vec<(SocketAddr, Listener)>,
    /// What those that are answered for lack, by how it would have hindered `auto`.
    pub lacking: BTreeSet<Hindrance>,
    /// Whether sysctls were set for it, where they may be.
    pub prepared: bool,
    /// Sysctls that could not be set.
    pub failures: Vec<String>,
    /// What the firewall does to the others.
    pub rules: BTreeMap<SocketAddr, firewall::Hindrance>,
}

impl Plan {
    /// Whether there is any at all.
    pub fn answers_any(&self) -> bool {
        let mut listeners = self.listeners.iter();
        listeners.any(|(_, listener)| listener.hindrance == hindrance::NONE)
    }

    /// How many there are.
    pub fn answered(&self) -> usize {
        let answered = |listener: &Listener| listener.hindrance == hindrance::NONE;
        self.listeners
            .iter()
            .filter(|(_, listener)| answered(listener))
            .count()
    }

    /// Those that are left to the kernel, by why.
    pub fn hindered(&self) -> BTreeMap<Hindrance, Vec<SocketAddr>> {
        let mut hindered = BTreeMap::<_, Vec<_>>::new();
        for (address, listener) in &self.listeners {
            if let Some(hindrance) = Hindrance::of(listener.hindrance) {
                hindered.entry(hindrance).or_default().push(*address);
            }
        }
        hindered
    }
}

impl Wanted {
    /// How every listener is answered for.
    pub fn plan(&self, survey: &Survey, firewalls: &Firewalls) -> Plan {
        let mut plan = Plan::default();
        // The same for all addresses of a namespace.
        let mut known = HashMap::new();
        for endpoint in endpoints(survey).into_iter().take(ROOM) {
            let firewall = known
                .entry((endpoint.namespace, endpoint.port))
                .or_insert_with(|| firewalls.hindrance(survey, &endpoint))
                .clone();
            let address = SocketAddr::new(endpoint.address, endpoint.port);
            let listener = self.listener(&endpoint, firewall.as_ref().map(Hindrance::from));
            if listener.hindrance == hindrance::NONE {
                plan.lacking.extend(lacking(endpoint.sysctls));
            }
            plan.rules
                .extend(firewall.map(|hindrance| (address, hindrance)));
            plan.listeners.push((address, listener));
        }
        plan
    }

    fn listener(&self, endpoint: &Endpoint<'_>, firewall: Option<Hindrance>) -> Listener {
        let hindrance = self.hindrance(endpoint, firewall);
        Listener {
            namespace: endpoint.namespace,
            abilities: abilities(endpoint.sysctls),
            shift: endpoint.shift,
            mss: endpoint.mss,
            hindrance: hindrance.map_or(hindrance::NONE, Hindrance::code),
        }
    }

    fn hindrance(&self, endpoint: &Endpoint<'_>, firewall: Option<Hindrance>) -> Option<Hindrance> {
        if !self.ports.contain(endpoint.port) {
            return Some(Hindrance::NotAsked);
        }
        firewall.or_else(|| self.of_sysctls(endpoint.sysctls))
    }

    /// With `always` somebody chose to do without what other values cost: answers while
    /// the backlog is full alone, or without options.
    fn of_sysctls(&self, sysctls: &Sysctls) -> Option<Hindrance> {
        let always = self.challenge == Challenge::Always;
        match sysctls.syncookies {
            _ if self.manage_sysctls => None,
            0 => Some(Hindrance::Syncookies),
            _ if always => None,
            _ => lacking(sysctls),
        }
    }
}

/// What keeps answers from being as good as the kernel's.
const fn lacking(sysctls: &Sysctls) -> Option<Hindrance> {
    match (sysctls.syncookies, sysctls.timestamps) {
        (0 | 1, _) => Some(Hindrance::Syncookies),
        (_, 1) => Some(Hindrance::Timestamps),
        _ => None,
    }
}

fn abilities(sysctls: &Sysctls) -> u32 {
    let mut abilities = 0;
    for (able, ability) in [
        (sysctls.timestamps == 2, ability::TIMESTAMPS),
        (sysctls.sack != 0, ability::SACK),
        (sysctls.window_scaling != 0, ability::WINDOW_SCALING),
        (sysctls.ecn != 0, ability::ECN),
    ] {
        if able {
            abilities |= ability;
        }
    }
    abilities
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSCTLS: Sysctls = Sysctls {
        syncookies: 2,
        timestamps: 2,
        sack: 1,
        window_scaling: 1,
        ecn: 2,
        rcvbuf: 131_072,
        rcvbuf_max: 6_291_456,
        rmem_max: 212_992,
        window_share: 0,
    };
    const AUTO: Wanted = Wanted {
        challenge: Challenge::Auto,
        ports: Ports::ALL,
        manage_sysctls: false,
    };
    const ALWAYS: Wanted = Wanted {
        challenge: Challenge::Always,
        ..AUTO
    };
    const MANAGED: Wanted = Wanted {
        manage_sysctls: true,
        ..AUTO
    };

    fn listener(
        wanted: &Wanted,
        sysctls: &Sysctls,
        firewall: Option<Hindrance>,
    ) -> (Option<Hindrance>, u32) {
        let endpoint = Endpoint {
            address: [192, 0, 2, 1].into(),
            port: 80,
            namespace: 3,
            shift: 7,
            mss: 1460,
            sysctls,
        };
        let listener = wanted.listener(&endpoint, firewall);
        assert_eq!(
            (listener.namespace, listener.shift, listener.mss),
            (3, 7, 1460)
        );
        (Hindrance::of(listener.hindrance), listener.abilities)
    }

    #[test]
    fn sysctls_hinder_unless_somebody_decided_otherwise() {
        use Hindrance::{Syncookies, Timestamps};
        for (syncookies, timestamps, auto, always, managed) in [
            (2, 2, None, None, None),
            (2, 1, Some(Timestamps), None, None),
            // Who wants no timestamps has no window scaling from the kernel's cookies either.
            (2, 0, None, None, None),
            (1, 2, Some(Syncookies), None, None),
            (1, 1, Some(Syncookies), None, None),
            (0, 2, Some(Syncookies), Some(Syncookies), None),
        ] {
            let sysctls = Sysctls {
                syncookies,
                timestamps,
                ..SYSCTLS
            };
            for (wanted, expected) in [(AUTO, auto), (ALWAYS, always), (MANAGED, managed)] {
                let (hindrance, _) = listener(&wanted, &sysctls, None);
                assert_eq!(hindrance, expected, "{wanted:?} {syncookies} {timestamps}");
            }
        }
    }

    #[test]
    fn what_the_firewall_says_comes_before_sysctls_and_after_what_was_asked_for() {
        let published = Some(Hindrance::Published);
        for wanted in [AUTO, ALWAYS, MANAGED] {
            assert_eq!(listener(&wanted, &SYSCTLS, published).0, published);
        }
        let elsewhere = Wanted {
            ports: "443".parse().unwrap(),
            ..ALWAYS
        };
        let (hindrance, _) = listener(&elsewhere, &SYSCTLS, published);
        assert_eq!(hindrance, Some(Hindrance::NotAsked));
    }

    #[test]
    fn an_answer_promises_what_the_sysctls_allow() {
        const ALL: u32 =
            ability::TIMESTAMPS | ability::SACK | ability::WINDOW_SCALING | ability::ECN;
        for (sysctls, missing) in [
            (SYSCTLS, 0),
            (
                Sysctls {
                    timestamps: 1,
                    ..SYSCTLS
                },
                ability::TIMESTAMPS,
            ),
            (Sysctls { sack: 0, ..SYSCTLS }, ability::SACK),
            (
                Sysctls {
                    window_scaling: 0,
                    ..SYSCTLS
                },
                ability::WINDOW_SCALING,
            ),
            (Sysctls { ecn: 0, ..SYSCTLS }, ability::ECN),
        ] {
            let (_, abilities) = listener(&ALWAYS, &sysctls, None);
            assert_eq!(abilities, ALL & !missing, "{sysctls:?}");
        }
    }
}
