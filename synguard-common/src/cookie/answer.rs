//! From the frame with a SYN to the frame with its SYN-ACK.

use network_types::eth::EtherType;

use super::header::Header;
use super::segment::{MSS as MSS_OPTION, Segment};
use super::syn::Syn;
use crate::packet::{Edit, View, ethernet};

/// Set in the first byte of an address that names a group (IEEE 802).
const GROUP: u8 = 1;

/// The fourth word of a SYN whose header has six, and no window.
const SYN_OF_SIX_WORDS: u32 = 0x6002_0000;

/// A SYN that can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<H> {
    /// Where its IP header begins.
    pub at: usize,
    /// The IP header.
    pub header: H,
    /// The TCP header.
    pub syn: Syn,
}

/// What a server says of itself, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What the kernel wants to see again.
    pub cookie: u32,
    /// The longest segment that the server takes.
    pub mss: u32,
    /// How much it takes before it answers again.
    pub window: u32,
    /// By how much its later windows are shifted: no more than the listener will
    /// use, or transfers crawl.
    pub shift: u32,
    /// See [`super::ability`].
    pub abilities: u32,
    /// How many hops the answer may take.
    pub hops: u32,
    /// The time by the kernel's monotonic clock.
    pub milliseconds: u64,
}

/// The answer, not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<H> {
    at: usize,
    header: H,
    hops: u32,
    /// The SYN-ACK.
    pub segment: Segment,
}

/// Where the IP header begins, and what it is, in a frame for this host alone.
#[inline(always)]
pub fn network_layer<V: View + ?Sized>(frame: &V) -> Option<(EtherType, usize)> {
    let [first, ..] = frame.get::<6>(0)?;
    if first & GROUP != 0 {
        return None;
    }
    ethernet::payload(frame).ok()
}

impl<H: Header> Question<H> {
    /// Reads the SYN whose IP header is at `at`. Nothing where it is none, or of a
    /// kind that only the kernel can answer.
    #[inline(always)]
    pub fn read<V: View + ?Sized>(frame: &V, at: usize) -> Option<Self> {
        let (header, len) = H::read(frame, at)?;
        let mut syn = Syn::read(frame, at.wrapping_add(H::LEN), len)?;
        if header.carries_marks() {
            syn.ecn = 0;
        }
        Some(Self { at, header, syn })
    }

    /// The TCP header of the SYN as far as the kernel makes the cookie of it, in
    /// network byte order: between which ports, the sequence number, and the MSS.
    #[inline(always)]
    pub const fn essence(&self) -> [u32; 6] {
        [
            self.syn.ports.word().to_be(),
            self.syn.sequence.to_be(),
            0,
            SYN_OF_SIX_WORDS.to_be(),
            0,
            (MSS_OPTION | self.syn.options.mss & 0xffff).to_be(),
        ]
    }

    /// Its answer.
    #[inline(always)]
    pub fn answer(&self, terms: &Terms) -> Answer<H> {
        Answer {
            at: self.at,
            header: self.header,
            hops: terms.hops & 0xff,
            segment: Segment::new(&self.syn, terms, |len| self.header.pseudo_sum(len)),
        }
    }
}

impl<H: Header> Answer<H> {
    /// How long the frame must be before this is written.
    #[inline(always)]
    pub const fn frame_len(&self) -> usize {
        self.at
            .wrapping_add(H::LEN)
            .wrapping_add(self.segment.len as usize)
    }

    /// Turns the frame with the SYN into the one with the answer; VLAN tags stay.
    /// Nothing, and nothing is written, where it is too short.
    #[inline(always)]
    pub fn write<E: Edit + ?Sized>(&self, frame: &mut E) -> Option<()> {
        frame.get::<1>(self.frame_len().wrapping_sub(1))?;
        turn_around(frame)?;
        let mut whole = true;
        let mut put = |at, word: u32| {
            whole &= frame.put(at, &word.to_be_bytes()).is_some();
        };
        self.header
            .write_answer(self.at, self.segment.len, self.hops, &mut put);
        let mut at = self.at.wrapping_add(H::LEN);
        let end = self.frame_len();
        for word in self.segment.words {
            if at < end {
                put(at, word);
            }
            at = at.wrapping_add(4);
        }
        whole.then_some(())
    }
}

/// Swaps the Ethernet addresses.
#[inline(always)]
fn turn_around<E: Edit + ?Sized>(frame: &mut E) -> Option<()> {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *frame.get::<12>(0)?;
    frame.put(0, &[g, h, i, j, k, l, a, b, c, d, e, f])
}
