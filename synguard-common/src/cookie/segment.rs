//! The TCP segment of the answer: SYN and ACK, the cookie, and what was agreed on.

use super::agreement::Agreement;
use super::answer::Terms;
use super::checksum;
use super::syn::Syn;
use super::timestamp::timestamp;

const SYN_ACK: u32 = 0x12 << 16;
const ECE: u32 = 0x40 << 16;

/// The longest: five words of header, five of options.
const WORDS: usize = 10;

pub(super) const MSS: u32 = 0x0204 << 16;
/// Permitted, and timestamps follow.
const SACK_PERMITTED: u32 = 0x0402_080a;
/// Two fillers, and timestamps follow.
const NO_SACK: u32 = 0x0101_080a;
/// Behind one filler.
const WINDOW_SCALE: u32 = 0x0103_0300;

/// A SYN-ACK: [`Segment::len`] bytes of its words, of which the others are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// In host byte order.
    pub words: [u32; WORDS],
    /// 24, 36 or 40.
    pub len: u32,
}

impl Segment {
    /// The answer to `syn`. `pseudo_sum` gives the sum of the pseudo header for a
    /// segment of that length.
    #[inline(always)]
    pub(super) fn new(syn: &Syn, terms: &Terms, pseudo_sum: impl FnOnce(u32) -> u64) -> Self {
        let agreed = Agreement::new(syn, terms.abilities);
        let [first, second, third, fourth] = options(syn, terms, &agreed);
        let len = len(&agreed);
        let ecn = if agreed.ecn == 0 { 0 } else { ECE };
        let window = terms.window & 0xffff;
        let words = [
            u32::from(syn.ports.destination()) << 16 | u32::from(syn.ports.source()),
            terms.cookie,
            syn.sequence.wrapping_add(1),
            (len / 4) << 28 | SYN_ACK | ecn | window,
            0,
            MSS | (terms.mss & 0xffff),
            first,
            second,
            third,
            fourth,
        ];
        let sum = checksum::sum(&words).wrapping_add(pseudo_sum(len));
        let [a, b, c, d, _, e, f, g, h, i] = words;
        Self {
            words: [a, b, c, d, checksum::folded(sum) << 16, e, f, g, h, i],
            len,
        }
    }
}

/// The MSS always, the shift only behind timestamps.
#[inline(always)]
const fn len(agreed: &Agreement) -> u32 {
    match (agreed.timestamps, agreed.shifts()) {
        (0, _) => 24,
        (_, false) => 36,
        (_, true) => 40,
    }
}

/// What follows the MSS, in the order of `tcp_synack_options`
/// (`net/ipv4/tcp_output.c`).
#[inline(always)]
const fn options(syn: &Syn, terms: &Terms, agreed: &Agreement) -> [u32; 4] {
    if agreed.timestamps == 0 {
        return [0; 4];
    }
    let kinds = if agreed.sack == 0 {
        NO_SACK
    } else {
        SACK_PERMITTED
    };
    let shift = if agreed.shifts() {
        WINDOW_SCALE | (terms.shift & 15)
    } else {
        0
    };
    [
        kinds,
        timestamp(terms.milliseconds, agreed),
        syn.options.timestamp,
        shift,
    ]
}
