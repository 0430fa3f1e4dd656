//! The options of a SYN (RFC 9293 section 3.1, RFC 7323, RFC 2018).

use crate::packet::View;

/// The longest that options can be: a data offset of 15 words.
pub(super) const MAX_LEN: usize = 40;
/// `2 ^ n - 1` that holds [`MAX_LEN`].
const MASK: u64 = 63;
/// So many options and fillers are read; what follows is ignored, which costs a
/// client with more of them those options and nothing else.
const MAX_OPTIONS: usize = 24;

const END: u8 = 0;
const FILLER: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const TIMESTAMPS: u8 = 8;
/// RFC 2385 and RFC 5925.
const MD5_SIGNATURE: u8 = 19;
const AUTHENTICATION: u8 = 29;

/// The largest shift that there is (RFC 7323 section 2.3).
const MAX_SHIFT: u32 = 14;

/// What a client asks for. Fields of one word each, and no `Option`: see
/// [`crate::packet::Packet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The longest segment that it takes, or 0 where it does not say.
    pub mss: u32,
    /// By how much its windows are to be shifted, or [`Options::NO_SHIFT`].
    pub shift: u32,
    /// 1 where it permits selective acknowledgements.
    pub sack: u32,
    /// 1 where it sent a timestamp.
    pub stamped: u32,
    /// Its timestamp.
    pub timestamp: u32,
    /// 1 where it is signed, and takes signed answers alone.
    pub signed: u32,
}

impl Options {
    /// Its windows cannot be shifted.
    pub const NO_SHIFT: u32 = 15;

    /// A SYN without options.
    pub const NONE: Self = Self {
        mss: 0,
        shift: Self::NO_SHIFT,
        sack: 0,
        stamped: 0,
        timestamp: 0,
        signed: 0,
    };

    /// Reads the `len` bytes of options at `start`.
    ///
    /// Where they make no sense the rest is ignored, and of two of a kind the last
    /// one counts, as in `tcp_parse_options` (`net/ipv4/tcp_input.c`).
    #[inline(always)]
    pub fn read<V: View + ?Sized>(frame: &V, start: usize, len: usize) -> Self {
        let mut options = Self::NONE.blurred(frame);
        let mut at = 0_usize;
        for _ in 0..MAX_OPTIONS {
            at = (frame.blur(at as u64) & MASK) as usize;
            // Else Linux 6.1 follows each mixture of options to the end: a million
            // steps.
            options = options.blurred(frame);
            match options.read_one(frame, start.wrapping_add(at), len.saturating_sub(at)) {
                0 => break,
                size => at = at.wrapping_add(size),
            }
        }
        options
    }

    /// Reads the option at `at`, of which at most `left` bytes are there. Gives its
    /// size, or 0 where there is none.
    #[inline(always)]
    fn read_one<V: View + ?Sized>(&mut self, frame: &V, at: usize, left: usize) -> usize {
        if left == 0 {
            return 0;
        }
        match frame.get::<1>(at) {
            None | Some(&[END]) => return 0,
            Some(&[FILLER]) => return 1,
            Some(_) => {}
        }
        let Some(&[kind, size]) = frame.get::<2>(at) else {
            return 0;
        };
        let size = usize::from(size);
        if size < 2 || size > left {
            return 0;
        }
        self.note(frame, at, kind, size);
        size
    }

    /// An option of the wrong size is ignored.
    #[inline(always)]
    fn note<V: View + ?Sized>(&mut self, frame: &V, at: usize, kind: u8, size: usize) {
        match (kind, size) {
            (MSS, 4) => self.note_mss(frame, at),
            (WINDOW_SCALE, 3) => self.note_shift(frame, at),
            (SACK_PERMITTED, 2) => self.sack = 1,
            (TIMESTAMPS, 10) => self.note_timestamp(frame, at),
            (MD5_SIGNATURE | AUTHENTICATION, _) => self.signed = 1,
            _ => {}
        }
    }

    #[inline(always)]
    fn note_mss<V: View + ?Sized>(&mut self, frame: &V, at: usize) {
        if let Some(&[_, _, high, low]) = frame.get::<4>(at) {
            let mss = u32::from(u16::from_be_bytes([high, low]));
            if mss != 0 {
                self.mss = mss;
            }
        }
    }

    #[inline(always)]
    fn note_shift<V: View + ?Sized>(&mut self, frame: &V, at: usize) {
        if let Some(&[_, _, shift]) = frame.get::<3>(at) {
            let shift = u32::from(shift);
            self.shift = if shift < MAX_SHIFT { shift } else { MAX_SHIFT };
        }
    }

    #[inline(always)]
    fn note_timestamp<V: View + ?Sized>(&mut self, frame: &V, at: usize) {
        if let Some(&[_, _, a, b, c, d, ..]) = frame.get::<10>(at) {
            self.stamped = 1;
            self.timestamp = u32::from_be_bytes([a, b, c, d]);
        }
    }

    /// The same, of which the verifier no longer knows what it is.
    #[inline(always)]
    fn blurred<V: View + ?Sized>(self, frame: &V) -> Self {
        let blur = |word: u32| frame.blur(u64::from(word)) as u32;
        Self {
            mss: blur(self.mss) & 0xffff,
            shift: blur(self.shift) & 15,
            sack: blur(self.sack) & 1,
            stamped: blur(self.stamped) & 1,
            timestamp: blur(self.timestamp),
            signed: blur(self.signed) & 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Options {
        Options::read(bytes, 0, bytes.len())
    }

    #[test]
    fn options_are_read_as_the_kernel_reads_them() {
        let none = Options::NONE;
        let rows: [(&str, &[u8], Options); 15] = [
            ("none", &[], none),
            ("an end", &[0, 2, 4, 5, 180], none),
            ("an MSS", &[2, 4, 5, 180], Options { mss: 1460, ..none }),
            ("fillers", &[1, 1, 4, 2], Options { sack: 1, ..none }),
            ("an MSS of 0", &[2, 4, 0, 0], none),
            ("an MSS of another size", &[2, 5, 5, 180, 0], none),
            ("a shift", &[3, 3, 7], Options { shift: 7, ..none }),
            (
                "too large a shift",
                &[3, 3, 200],
                Options { shift: 14, ..none },
            ),
            (
                "a timestamp",
                &[8, 10, 0, 0, 1, 2, 9, 9, 9, 9],
                Options {
                    stamped: 1,
                    timestamp: 258,
                    ..none
                },
            ),
            (
                "two of a kind",
                &[2, 4, 0, 100, 2, 4, 0, 200],
                Options { mss: 200, ..none },
            ),
            (
                "an unknown one (TCP Fast Open)",
                &[34, 2, 4, 2],
                Options { sack: 1, ..none },
            ),
            ("a size below two", &[9, 1, 4, 2], none),
            ("no size", &[4, 2, 2], Options { sack: 1, ..none }),
            (
                "a size beyond the end",
                &[4, 2, 8, 10, 0, 0, 0, 1],
                Options { sack: 1, ..none },
            ),
            (
                "what Linux sends",
                &[
                    2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 5, 0, 0, 0, 0, 1, 3, 3, 10,
                ],
                Options {
                    mss: 1460,
                    shift: 10,
                    sack: 1,
                    stamped: 1,
                    timestamp: 5,
                    signed: 0,
                },
            ),
        ];
        for (what, bytes, expected) in rows {
            assert_eq!(read(bytes), expected, "{what}");
        }
    }

    #[test]
    fn what_lies_behind_the_options_is_not_read() {
        let bytes = [1, 1, 2, 4, 5, 180];
        assert_eq!(Options::read(&bytes[..], 0, 4), Options::NONE);
    }

    #[test]
    fn after_many_fillers_the_rest_is_ignored() {
        let mut bytes = [1; 40];
        bytes[24..26].copy_from_slice(&[4, 2]);
        assert_eq!(read(&bytes), Options::NONE);
        bytes[22..24].copy_from_slice(&[4, 2]);
        assert_eq!(read(&bytes).sack, 1);
    }

    #[test]
    fn a_signature_is_noticed_whatever_its_size() {
        for kind in [MD5_SIGNATURE, AUTHENTICATION] {
            assert_eq!(read(&[kind, 4, 0, 0]).signed, 1, "{kind}");
        }
        assert_eq!(read(&[MSS, 4, 5, 180]).signed, 0);
    }
}
