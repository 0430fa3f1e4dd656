//! Which ports a source uses, in two words.

/// Set in a source-port word once a source has used a second source port.
pub const VARIES: u64 = 1 << 16;
const KNOWN: u64 = 1 << 17;

/// Keeps the four most recent distinct ports, newest in the low 16 bits.
/// Port 0 marks an empty place.
#[inline(always)]
pub const fn remember(recent: u64, port: u16) -> u64 {
    let port = port as u64;
    let held = recent & 0xffff == port
        || (recent >> 16) & 0xffff == port
        || (recent >> 32) & 0xffff == port
        || recent >> 48 == port;
    if held { recent } else { recent << 16 | port }
}

/// The ports that [`remember`] holds, newest first.
pub fn recent(word: u64) -> impl Iterator<Item = u16> {
    [word, word >> 16, word >> 32, word >> 48]
        .into_iter()
        .map(|lane| (lane & 0xffff) as u16)
        .take_while(|port| *port != 0)
}

/// Adds `port` to a set of 64 buckets: the number of bits set is a lower bound
/// for the number of distinct ports.
#[inline(always)]
pub const fn mark(set: u64, port: u16) -> u64 {
    set | 1_u64.wrapping_shl(bucket(port))
}

/// Fibonacci hashing: neighbouring ports fall into different buckets.
#[inline(always)]
const fn bucket(port: u16) -> u32 {
    (port as u32).wrapping_mul(0x9e37_79b1) >> 26
}

/// Notes a source port: the first one seen, and whether others followed.
#[inline(always)]
pub const fn note_source_port(word: u64, port: u16) -> u64 {
    if word & KNOWN == 0 {
        KNOWN | port as u64
    } else if word & 0xffff == port as u64 {
        word
    } else {
        word | VARIES
    }
}

/// The first source port seen, if any was.
pub const fn first_source_port(word: u64) -> Option<u16> {
    if word & KNOWN == 0 {
        None
    } else {
        Some((word & 0xffff) as u16)
    }
}

/// The source port, where it has always been the same one.
pub const fn constant_source_port(word: u64) -> Option<u16> {
    if word & KNOWN != 0 && word & VARIES == 0 {
        Some((word & 0xffff) as u16)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ports: &[u16]) -> impl Iterator<Item = u16> + use<> {
        recent(ports.iter().fold(0, |word, port| remember(word, *port)))
    }

    #[test]
    fn the_four_newest_distinct_ports_are_kept() {
        assert!(after(&[]).eq([]));
        assert!(after(&[25, 80, 25, 443]).eq([443, 80, 25]));
        assert!(after(&[1, 2, 3, 4, 5]).eq([5, 4, 3, 2]));
    }

    #[test]
    fn the_port_set_never_counts_more_than_there_are() {
        let set = (1..=1000).fold(0, mark);
        assert_eq!(set.count_ones(), 64);
        assert_eq!(mark(mark(0, 80), 80).count_ones(), 1);
    }

    #[test]
    fn a_constant_source_port_is_known_until_a_second_one() {
        assert_eq!(constant_source_port(0), None);
        let once = note_source_port(0, 80);
        assert_eq!(constant_source_port(once), Some(80));
        assert_eq!(constant_source_port(note_source_port(once, 80)), Some(80));
        assert_eq!(constant_source_port(note_source_port(once, 81)), None);
        assert_eq!(constant_source_port(note_source_port(0, 0)), Some(0));
    }
}
