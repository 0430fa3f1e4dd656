//! Time stamps, in whatever unit a file keeps them, as nanoseconds since 1970.

const NANOS: u64 = 1_000_000_000;

/// How an interface of a pcapng file counts time (draft-ietf-opsawg-pcapng,
/// options `if_tsresol` and `if_tsoffset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolution {
    unit: Unit,
    /// Seconds to add.
    offset: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// So many nanoseconds each: the usual ones, without a division.
    Nanos(u64),
    /// So many in a second.
    PerSecond(u128),
}

impl Resolution {
    /// Microseconds, where a file says nothing.
    pub(super) const MICROS: Self = Self {
        unit: Unit::Nanos(1000),
        offset: 0,
    };

    /// From the option's byte, a power of ten or, with the high bit, of two. Nothing
    /// where that many in a second cannot be.
    pub(super) fn new(byte: u8, offset: i64) -> Option<Self> {
        let exponent = u32::from(byte & 0x7f);
        let per_second = if byte & 0x80 == 0 {
            10_u128.checked_pow(exponent)?
        } else {
            2_u128.checked_pow(exponent)?
        };
        let unit = match u64::try_from(per_second) {
            Ok(per_second) if NANOS.is_multiple_of(per_second) => Unit::Nanos(NANOS / per_second),
            _ => Unit::PerSecond(per_second),
        };
        Some(Self { unit, offset })
    }

    /// Nanoseconds since 1970; what lies before that, or after 2554, is cut off there.
    pub(super) fn nanos(&self, stamp: u64) -> u64 {
        let nanos = match self.unit {
            Unit::Nanos(each) => match (stamp.checked_mul(each), self.offset) {
                (Some(nanos), 0) => return nanos,
                _ => i128::from(stamp) * i128::from(each),
            },
            Unit::PerSecond(per_second) => {
                let (seconds, rest) = (
                    u128::from(stamp) / per_second,
                    u128::from(stamp) % per_second,
                );
                let rest = rest.saturating_mul(u128::from(NANOS)) / per_second;
                let nanos = seconds * u128::from(NANOS) + rest;
                i128::try_from(nanos).unwrap_or(i128::MAX)
            }
        };
        let offset = i128::from(self.offset) * i128::from(NANOS);
        u64::try_from(nanos.saturating_add(offset).max(0)).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(byte: u8, offset: i64, stamp: u64) -> u64 {
        Resolution::new(byte, offset).unwrap().nanos(stamp)
    }

    #[test]
    fn units_are_powers_of_ten_or_two() {
        for (byte, stamp, expected) in [
            (0, 3, 3 * NANOS),
            (3, 1500, 1_500_000_000),
            (6, 1, 1000),
            (9, 1, 1),
            (12, 2500, 2),
            (0x80, 3, 3 * NANOS),
            (0x81, 3, 1_500_000_000),
            (0x94, 1 << 20, NANOS),
            (0xa0, 1 << 31, NANOS / 2),
        ] {
            assert_eq!(nanos(byte, 0, stamp), expected, "{byte:#x}");
        }
    }

    #[test]
    fn an_offset_is_in_seconds_and_nothing_overflows() {
        assert_eq!(nanos(6, 10, 5), 10 * NANOS + 5000);
        assert_eq!(nanos(6, -10, 5), 0);
        assert_eq!(nanos(0, i64::MAX, u64::MAX), u64::MAX);
        assert_eq!(nanos(38, 0, u64::MAX), 0);
        assert_eq!(Resolution::new(127, 0), None);
    }
}
