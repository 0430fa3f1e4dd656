//! What a rule asks of a packet, and the answer where not all is known.
//!
//! The logic is Kleene's, with two kinds of "unknown". Most of what is unknown
//! (addresses, interfaces, rate limits) is the same for the SYN and for the ACK
//! of one client; the rest (TCP options, lengths) may differ between them.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::packet::{Field, Packet};

/// What a rule asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The field, masked, is in one of the ranges.
    In {
        field: Field,
        mask: u32,
        ranges: Vec<RangeInclusive<u32>>,
    },
    /// It is otherwise.
    Not(Box<Condition>),
    /// All hold: always, where there are none.
    All(Vec<Condition>),
    /// At least one holds: never, where there are none.
    Any(Vec<Condition>),
    /// Unknown, but the same for all packets of a connection.
    OfConnection,
    /// Unknown, and perhaps different from packet to packet.
    OfPacket,
    /// Unknown, as it depends on what a rule noted under this name.
    Recalls(String),
}

/// Whether a packet is what a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    No,
    Yes,
    /// Unknown, but the same for all packets of a connection.
    Same,
    /// Unknown, and perhaps different from packet to packet.
    Differs,
}

impl Match {
    pub fn may_hold(self) -> bool {
        self != Self::No
    }

    pub fn may_fail(self) -> bool {
        self != Self::Yes
    }

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Yes => Self::No,
            unknown => unknown,
        }
    }

    /// Both at once.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, rest) | (rest, Self::Yes) => rest,
            (Self::Same, Self::Same) => Self::Same,
            _ => Self::Differs,
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

impl Condition {
    pub const ALWAYS: Self = Self::All(Vec::new());
    pub const NEVER: Self = Self::Any(Vec::new());

    /// The field is in one of the ranges.
    pub fn field(field: Field, ranges: Vec<RangeInclusive<u32>>) -> Self {
        Self::masked(field, u32::MAX, ranges)
    }

    /// The field is this.
    pub fn is(field: Field, value: u32) -> Self {
        Self::field(field, vec![value..=value])
    }

    /// At least one of these bits of the field is set.
    pub fn any_bit(field: Field, bits: u32) -> Self {
        Self::masked(field, bits, vec![1..=u32::MAX])
    }

    /// These bits of the field are in one of the ranges.
    pub fn masked(field: Field, mask: u32, ranges: Vec<RangeInclusive<u32>>) -> Self {
        Self::In {
            field,
            mask,
            ranges,
        }
    }

    /// The opposite, where `negated`.
    pub fn negated_if(self, negated: bool) -> Self {
        if negated {
            Self::Not(Box::new(self))
        } else {
            self
        }
    }

    /// What is known of it for this packet. Under the names in `uneven`,
    /// something else may be noted for the SYN than for the ACK.
    pub fn matches(&self, packet: &Packet, uneven: &BTreeSet<String>) -> Match {
        match self {
            Self::In {
                field,
                mask,
                ranges,
            } => {
                let Some(value) = packet.field(*field) else {
                    return Match::Same;
                };
                known(ranges.iter().any(|range| range.contains(&(value & mask))))
            }
            Self::Not(inner) => inner.matches(packet, uneven).not(),
            Self::All(all) => all.iter().fold(Match::Yes, |so_far, next| {
                so_far.and(next.matches(packet, uneven))
            }),
            Self::Any(any) => {
                let found = any.iter().fold(Match::No, |so_far, next| {
                    so_far.or(next.matches(packet, uneven))
                });
                // Which of the alternatives is left may hang on the packet.
                if found == Match::Same && any.iter().any(Self::looks_at_packet) {
                    return Match::Differs;
                }
                found
            }
            Self::OfConnection => Match::Same,
            Self::OfPacket => Match::Differs,
            Self::Recalls(name) if uneven.contains(name) => Match::Differs,
            Self::Recalls(_) => Match::Same,
        }
    }

    fn looks_at_packet(&self) -> bool {
        match self {
            Self::In { field, .. } => matches!(field, Field::Flags | Field::State),
            Self::Not(inner) => inner.looks_at_packet(),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::looks_at_packet),
            Self::OfConnection | Self::OfPacket | Self::Recalls(_) => false,
        }
    }
}

const fn known(holds: bool) -> Match {
    if holds { Match::Yes } else { Match::No }
}

#[cfg(test)]
mod tests {
    use super::super::packet::{Family, flag, state};
    use super::*;

    const SYN: Packet = Packet {
        family: Family::V4,
        port: Some(80),
        flags: flag::SYN,
        state: state::NEW,
    };

    #[test]
    fn unknown_is_neither_true_nor_false() {
        use Condition::{All, Any, Not, OfConnection, OfPacket, Recalls};
        let syn = || Condition::any_bit(Field::Flags, flag::SYN);
        let ack = || Condition::any_bit(Field::Flags, flag::ACK);
        let uneven = BTreeSet::from(["@uneven".to_owned()]);
        for (condition, expected) in [
            (Condition::ALWAYS, Match::Yes),
            (Condition::NEVER, Match::No),
            (syn(), Match::Yes),
            (Not(Box::new(syn())), Match::No),
            (Not(Box::new(OfConnection)), Match::Same),
            (All(vec![syn(), OfConnection]), Match::Same),
            (All(vec![ack(), OfConnection]), Match::No),
            (All(vec![OfPacket, OfConnection]), Match::Differs),
            (Any(vec![ack(), syn()]), Match::Yes),
            (
                Any(vec![OfConnection, Condition::is(Field::Port, 80)]),
                Match::Yes,
            ),
            (
                Any(vec![OfConnection, Condition::is(Field::Port, 81)]),
                Match::Same,
            ),
            (Any(vec![OfConnection, ack()]), Match::Differs),
            (Recalls("@even".to_owned()), Match::Same),
            (Recalls("@uneven".to_owned()), Match::Differs),
        ] {
            assert_eq!(condition.matches(&SYN, &uneven), expected, "{condition:?}");
        }
    }
}
