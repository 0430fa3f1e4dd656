//! Gates: is there any rule for addresses like this one?
//!
//! A hash map of a million rules costs some 270 ns to look into, a trie of a
//! hundred thousand prefixes 790 ns, and nearly all packets look in vain. So one
//! bit for each kind of rule says beforehand whether it is worth it: for IPv4 for
//! each /24, for IPv6 for a hash of the source and of its first 32 bits.
//!
//! Guaranteed: where a rule is, its gate is open. An open gate without a rule
//! costs a lookup and nothing else.

use crate::source::{Address, SourceKey};

/// There may be a rule for exactly this source.
pub const EXACT: u64 = 1;
/// There may be a rule for another prefix that holds this address.
pub const PREFIX: u64 = 2;

const BITS_PER_GATE: u32 = 2;
const GATES_PER_WORD: u32 = u64::BITS / BITS_PER_GATE;
/// One for each /24.
const V4_GATES: u32 = 1 << 24;
const V6_GATES: u32 = 1 << 23;
/// Words in all.
pub const WORDS: u32 = (V4_GATES + V6_GATES) / GATES_PER_WORD;

/// Where a gate is: a word, and how far to shift it to see the gate's bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Below [`WORDS`].
    pub word: u32,
    /// An even number below 64.
    pub shift: u32,
}

impl Gate {
    #[inline(always)]
    const fn number(gate: u32) -> Self {
        Self {
            word: gate / GATES_PER_WORD,
            shift: (gate % GATES_PER_WORD).wrapping_mul(BITS_PER_GATE),
        }
    }

    /// The gate of an IPv4 address, for both kinds of rules.
    #[inline(always)]
    pub const fn of_v4(word: u32) -> Self {
        Self::number(u32::from_be(word) >> 8)
    }

    /// The gate of an IPv6 source, for rules about exactly this source.
    #[inline(always)]
    pub const fn of_v6_source(source: SourceKey) -> Self {
        let [a, b, c, d] = source;
        Self::hashed(mix(mix(pair(a, b)) ^ pair(c, d)))
    }

    /// The gate of the first 32 bits of an IPv6 address, for prefixes.
    #[inline(always)]
    pub const fn of_v6_allocation(first: u32) -> Self {
        Self::hashed(mix(first as u64))
    }

    #[inline(always)]
    const fn hashed(hash: u64) -> Self {
        Self::number(V4_GATES | (hash >> 32) as u32 & (V6_GATES - 1))
    }
}

/// Reads what the gates say of an address whose source is `source`: the bits
/// [`EXACT`] and [`PREFIX`].
#[inline(always)]
pub fn read(address: Address, source: Address, word: impl Fn(u32) -> u64) -> u64 {
    let read = |gate: Gate| word(gate.word) >> (gate.shift & 63);
    match address {
        Address::V4([.., address]) => read(Gate::of_v4(address)),
        Address::V6([first, ..]) => {
            read(Gate::of_v6_source(source.key())) & EXACT
                | read(Gate::of_v6_allocation(first)) & PREFIX
        }
    }
}

/// The gates to open, with [`EXACT`], for a rule about exactly one source.
pub fn of_source(source: Address, bits: u32) -> impl Iterator<Item = Gate> {
    let (v4, v6) = match source {
        Address::V4([.., word]) => (Some(v4_range(word, bits)), None),
        Address::V6(words) => (None, Some(Gate::of_v6_source(words))),
    };
    v4.into_iter().flatten().chain(v6)
}

/// The gates to open, with [`PREFIX`], for a rule about another prefix of `bits`
/// bits. At most 2^24 for IPv4 and 2^32 for IPv6, the shorter the prefix: at once
/// all of IPv6 is cheaper below a /9 (see [`all_of_v6`]).
pub fn of_prefix(prefix: Address, bits: u32) -> impl Iterator<Item = Gate> {
    let (v4, v6) = match prefix {
        Address::V4([.., word]) => (Some(v4_range(word, bits)), None),
        Address::V6([first, ..]) => {
            let low = u32::from_be(first);
            let range = low..=low | rest(bits, 32);
            let gates = range.map(|first| Gate::of_v6_allocation(first.to_be()));
            (None, Some(gates))
        }
    };
    let (v4, v6) = (v4.into_iter().flatten(), v6.into_iter().flatten());
    v4.chain(v6)
}

/// All gates of IPv6.
pub fn all_of_v6() -> impl Iterator<Item = Gate> {
    (V4_GATES..V4_GATES | V6_GATES).map(Gate::number)
}

fn v4_range(word: u32, bits: u32) -> impl Iterator<Item = Gate> {
    let low = u32::from_be(word) >> 8;
    (low..=low | rest(bits, 24)).map(Gate::number)
}

/// The bits of a number of `width` bits that a prefix of `bits` leaves open.
const fn rest(bits: u32, width: u32) -> u32 {
    match width.saturating_sub(bits) {
        0 => 0,
        open => u32::MAX >> u32::BITS.saturating_sub(open),
    }
}

#[inline(always)]
const fn pair(a: u32, b: u32) -> u64 {
    (a as u64) << 32 | b as u64
}

/// One multiplication spreads well enough: who makes gates collide only makes
/// his own packets slower. (The constant is 2^64 over the golden ratio.)
#[inline(always)]
const fn mix(word: u64) -> u64 {
    let product = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 29
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(octets: [u8; 4]) -> Address {
        Address::v4(u32::from_ne_bytes(octets))
    }

    #[test]
    fn an_ipv4_rule_opens_the_gates_of_its_24s() {
        assert!(of_source(v4([10, 1, 2, 3]), 32).eq(of_source(v4([10, 1, 2, 77]), 32)));
        assert!(
            of_source(v4([10, 1, 2, 3]), 32).eq([Gate::of_v4(u32::from_ne_bytes([10, 1, 2, 0]))])
        );
        assert_eq!(of_prefix(v4([10, 1, 0, 0]), 16).count(), 256);
        assert_eq!(of_prefix(v4([10, 1, 2, 0]), 25).count(), 1);
        assert_eq!(of_prefix(v4([128, 0, 0, 0]), 1).count(), 1 << 23);
    }

    #[test]
    fn an_ipv6_prefix_opens_the_gates_of_its_32s() {
        let prefix = |first: u32| Address::V6([first.to_be(), 0, 0, 0]);
        assert_eq!(of_prefix(prefix(0x2001_0db8), 48).count(), 1);
        assert_eq!(of_prefix(prefix(0x2001_0db8), 32).count(), 1);
        assert_eq!(of_prefix(prefix(0x2001_0000), 23).count(), 512);
    }

    #[test]
    fn all_gates_have_a_place() {
        for gate in all_of_v6().chain(of_prefix(v4([0, 0, 0, 0]), 0)) {
            assert!(gate.word < WORDS && gate.shift < 64 && gate.shift.is_multiple_of(2));
        }
    }

    #[test]
    fn a_source_reads_the_gates_that_its_rules_opened() {
        let source = Address::V6([7, 8, 0, 0]);
        let open = |gates: &[(Gate, u64)], word: u32| {
            gates
                .iter()
                .filter(|(gate, _)| gate.word == word)
                .fold(0, |bits, (gate, kind)| bits | kind << gate.shift)
        };
        let (by_source, by_prefix) = (Gate::of_v6_source(source.key()), Gate::of_v6_allocation(7));
        assert!(of_source(source, 64).eq([by_source]));
        assert!(of_prefix(source, 32).eq([by_prefix]));
        let (exact, prefix) = ([(by_source, EXACT)], [(by_prefix, PREFIX)]);
        assert_eq!(read(source, source, |word| open(&exact, word)), EXACT);
        assert_eq!(read(source, source, |word| open(&prefix, word)), PREFIX);
        assert_eq!(read(source, source, |_| 0), 0);
    }
}
