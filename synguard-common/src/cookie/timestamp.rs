//! The timestamp that carries what was agreed on.

use super::agreement::Agreement;

/// The low bits that carry it.
const BITS: u64 = (1 << 6) - 1;
/// Which bit says that acknowledgements are selective; below it is the shift.
const SACK: u32 = 4;
const ECN: u32 = 5;

/// The timestamp of a SYN-ACK at `milliseconds` of the kernel's monotonic clock.
///
/// The largest one that carries the agreement and is not in the future, as in
/// `cookie_init_timestamp` (`net/ipv4/syncookies.c`). The client echoes it, and
/// the kernel reads it back from there.
#[inline(always)]
pub const fn timestamp(milliseconds: u64, agreed: &Agreement) -> u32 {
    let carried = (agreed.shift | agreed.sack << SACK | agreed.ecn << ECN) as u64;
    let stamp = (milliseconds & !BITS) | carried;
    if stamp > milliseconds {
        stamp.wrapping_sub(BITS + 1) as u32
    } else {
        stamp as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::Options;

    const BARE: Agreement = Agreement {
        timestamps: 1,
        sack: 0,
        shift: Options::NO_SHIFT,
        ecn: 0,
    };

    #[test]
    fn the_low_bits_carry_what_was_agreed_on() {
        let all = Agreement {
            sack: 1,
            shift: 7,
            ecn: 1,
            ..BARE
        };
        for (now, agreed, expected) in [
            (64_000, BARE, 63_936 + 15),
            (64_015, BARE, 64_015),
            (64_014, BARE, 63_951),
            (64_063, all, 64_000 + 0b11_0111),
            (64_000, all, 63_936 + 0b11_0111),
        ] {
            assert_eq!(timestamp(now, &agreed), expected, "{now} {agreed:?}");
        }
    }

    #[test]
    fn it_is_never_in_the_future_and_at_most_64_milliseconds_old() {
        for now in 1_000..1_200 {
            for shift in 0..16 {
                let stamp = timestamp(now, &Agreement { shift, ..BARE });
                let age = now - u64::from(stamp);
                assert!(age < 64, "{now} {shift}");
                assert_eq!(stamp & 15, shift);
            }
        }
    }

    #[test]
    fn it_wraps_with_the_clock() {
        let now = (1_u64 << 32) + 5;
        assert_eq!(timestamp(now, &BARE), u32::MAX - 48);
        assert_eq!(timestamp(now + 10, &BARE), 15);
    }
}
