//! What kind of offender a source is, by what it did.

use synguard_common::abi::Rule;
use synguard_common::ports;

/// The kinds, from the most telling evidence to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Many destination ports: somebody looks for open ones.
    Scan,
    /// From one source port, or from one that belongs to a service, as no client
    /// connects: the address is probably that of a victim, whom this host's
    /// answers are meant to hit.
    Reflection,
    /// Many SYNs, no connections.
    Flood,
}

/// A client of several services does not use so many; of 64 buckets.
const SCANNED_PORTS: u32 = 16;
/// Below it only services send (RFC 6335 section 6).
const SYSTEM_PORTS: u16 = 1024;

impl Class {
    /// The class of a banned source, from the evidence that its ban keeps.
    pub fn of(rule: &Rule) -> Self {
        Self::from_ports(rule.port_set.count_ones(), rule.source_port)
    }

    /// From a lower bound for the number of destination ports, and the source
    /// port as [`ports`] notes it.
    pub fn from_ports(destinations: u32, source: u64) -> Self {
        let service = ports::first_source_port(source).is_some_and(|port| port < SYSTEM_PORTS);
        if destinations >= SCANNED_PORTS {
            Self::Scan
        } else if service || ports::constant_source_port(source).is_some() {
            Self::Reflection
        } else {
            Self::Flood
        }
    }

    /// Its name in the log and in JSON.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Reflection => "reflection",
            Self::Flood => "flood",
        }
    }

    /// What a person should know of it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Scan => "somebody looks for open ports",
            Self::Reflection => "the address is probably a spoofed victim",
            Self::Flood => "many SYNs, no connections",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(source_ports: &[u16], destinations: u16) -> Class {
        let source = source_ports
            .iter()
            .fold(0, |word, port| ports::note_source_port(word, *port));
        let set = (1..=destinations).fold(0, ports::mark);
        Class::from_ports(set.count_ones(), source)
    }

    #[test]
    fn the_seeds_attack_is_a_reflection() {
        assert_eq!(class(&[80, 80, 80], 3), Class::Reflection);
    }

    #[test]
    fn sources_are_told_apart_by_their_ports() {
        for (source_ports, destinations, expected) in [
            (&[40_000_u16, 40_001][..], 1, Class::Flood),
            (&[40_000, 40_000], 1, Class::Reflection),
            (&[443, 40_000], 1, Class::Reflection),
            (&[40_000, 40_001], 1000, Class::Scan),
            (&[80, 80], 1000, Class::Scan),
        ] {
            assert_eq!(
                class(source_ports, destinations),
                expected,
                "{source_ports:?}"
            );
        }
    }
}
