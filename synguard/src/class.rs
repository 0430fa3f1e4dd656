//! What kind of offender a source is, by what it did.

use serde::Serialize;
use synguard_common::abi::Rule;
use synguard_common::decide::flagrant;
use synguard_common::ports;

/// The kinds, from the most telling evidence to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Many destination ports: somebody looks for open ones.
    Scan,
    /// From one source port, or from one that belongs to a service, as no client
    /// connects; or too slowly to hurt this host: the address is probably that of
    /// a victim, whom this host's answers are meant to hit.
    Reflection,
    /// Very many SYNs, no connections.
    Flood,
}

/// A client of several services does not use so many; of 64 buckets.
const SCANNED_PORTS: u32 = 16;
/// Who floods this host from one address sends it thousands of SYNs per second;
/// who has it hit somebody else sends as little as goes unnoticed, to many hosts.
const HURTS: u32 = 500;
/// Below it only services send (RFC 6335 section 6).
pub(crate) const SYSTEM_PORTS: u16 = 1024;

impl Class {
    /// The class of a banned source, from the evidence that its ban keeps.
    /// `syn_rate` is the threshold, in SYNs per second.
    pub fn of(rule: &Rule, syn_rate: u32) -> Self {
        Self::from_evidence(
            rule.port_set.count_ones(),
            rule.source_port.into(),
            rule.syns_per_second,
            syn_rate,
        )
    }

    /// From a lower bound for the number of destination ports, the source port as
    /// [`ports`] notes it, and its rate and the threshold in SYNs per second.
    pub fn from_evidence(destinations: u32, source: u64, rate: u32, syn_rate: u32) -> Self {
        let service = ports::first_source_port(source).is_some_and(|port| port < SYSTEM_PORTS);
        // A ban that comes at once comes before a flood shows all its strength.
        let hurts = u64::from(HURTS).min(flagrant(u64::from(syn_rate)));
        let constant = ports::constant_source_port(source).is_some();
        if destinations >= SCANNED_PORTS {
            Self::Scan
        } else if service || constant || u64::from(rate) < hurts {
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

    fn class(source_ports: &[u16], destinations: u16, rate: u32) -> Class {
        let source = source_ports
            .iter()
            .fold(0, |word, port| ports::note_source_port(word, *port));
        let set = (1..=destinations).fold(0, ports::mark);
        Class::from_evidence(set.count_ones(), source, rate, 50)
    }

    #[test]
    fn the_seeds_attack_is_a_reflection() {
        assert_eq!(class(&[80, 80, 80], 3, 2000), Class::Reflection);
    }

    #[test]
    fn a_lower_threshold_sees_a_flood_sooner() {
        let class = |rate, syn_rate| Class::from_evidence(1, ports::VARIES, rate, syn_rate);
        assert_eq!(class(101, 10), Class::Flood);
        assert_eq!(class(101, 50), Class::Reflection);
    }

    #[test]
    fn sources_are_told_apart_by_their_ports_and_rate() {
        for (source_ports, destinations, rate, expected) in [
            (&[40_000_u16, 40_001][..], 1, 5000, Class::Flood),
            (&[40_000, 40_001], 1, 60, Class::Reflection),
            (&[40_000, 40_000], 1, 5000, Class::Reflection),
            (&[443, 40_000], 1, 5000, Class::Reflection),
            (&[40_000, 40_001], 1000, 60, Class::Scan),
            (&[80, 80], 1000, 5000, Class::Scan),
        ] {
            assert_eq!(
                class(source_ports, destinations, rate),
                expected,
                "{source_ports:?}, {rate}/s"
            );
        }
    }
}
