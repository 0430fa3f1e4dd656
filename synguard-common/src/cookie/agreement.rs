//! What a connection will use: what the client asks for and the server is able to.

use super::options::Options;
use super::syn::Syn;

/// What a server is able to, in its network namespace: bits.
///
/// A cookie whose timestamp promises more is refused by the kernel
/// (`cookie_timestamp_decode` in `net/ipv4/syncookies.c`), and the client hangs.
pub mod ability {
    /// `net.ipv4.tcp_timestamps` is 2: with 1 the kernel adds an offset of its
    /// own, which nobody else knows. Without this bit the others mean nothing.
    pub const TIMESTAMPS: u32 = 1;
    /// `net.ipv4.tcp_sack`.
    pub const SACK: u32 = 2;
    /// `net.ipv4.tcp_window_scaling`.
    pub const WINDOW_SCALING: u32 = 4;
    /// `net.ipv4.tcp_ecn` is not 0.
    pub const ECN: u32 = 8;
}

/// What a connection will use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// 1 for timestamps. Where it is 0 so are all others: the kernel would not
    /// remember them.
    pub timestamps: u32,
    /// 1 for selective acknowledgements.
    pub sack: u32,
    /// By how much the client's windows are shifted, or [`Options::NO_SHIFT`].
    pub shift: u32,
    /// 1 for explicit congestion notification.
    pub ecn: u32,
}

impl Agreement {
    /// Of this client and a server with these abilities.
    #[inline(always)]
    pub const fn new(syn: &Syn, abilities: u32) -> Self {
        if syn.options.stamped == 0 || abilities & ability::TIMESTAMPS == 0 {
            return Self {
                timestamps: 0,
                sack: 0,
                shift: Options::NO_SHIFT,
                ecn: 0,
            };
        }
        Self {
            timestamps: 1,
            sack: syn.options.sack & bit(abilities, ability::SACK),
            shift: if abilities & ability::WINDOW_SCALING == 0 {
                Options::NO_SHIFT
            } else {
                syn.options.shift
            },
            ecn: syn.ecn & bit(abilities, ability::ECN),
        }
    }

    /// Whether windows are shifted.
    #[inline(always)]
    pub const fn shifts(&self) -> bool {
        self.shift != Options::NO_SHIFT
    }
}

/// 1 where it is among the abilities.
#[inline(always)]
const fn bit(abilities: u32, which: u32) -> u32 {
    if abilities & which == 0 { 0 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u32 = 15;

    fn eager() -> Syn {
        Syn {
            options: Options {
                shift: 7,
                sack: 1,
                stamped: 1,
                ..Options::NONE
            },
            ecn: 1,
            ..Syn::BARE
        }
    }

    fn without_any() -> Agreement {
        Agreement {
            timestamps: 0,
            sack: 0,
            shift: Options::NO_SHIFT,
            ecn: 0,
        }
    }

    #[test]
    fn all_that_both_can_is_used() {
        let expected = Agreement {
            timestamps: 1,
            sack: 1,
            shift: 7,
            ecn: 1,
        };
        assert_eq!(Agreement::new(&eager(), ALL), expected);
    }

    #[test]
    fn what_the_server_cannot_is_not_used() {
        for (missing, left) in [
            (ability::SACK, (0, 7, 1)),
            (ability::WINDOW_SCALING, (1, Options::NO_SHIFT, 1)),
            (ability::ECN, (1, 7, 0)),
        ] {
            let agreed = Agreement::new(&eager(), ALL & !missing);
            assert_eq!((agreed.sack, agreed.shift, agreed.ecn), left);
        }
    }

    #[test]
    fn without_timestamps_nothing_is_remembered() {
        assert_eq!(
            Agreement::new(&eager(), ALL & !ability::TIMESTAMPS),
            without_any()
        );
        let mut unstamped = eager();
        unstamped.options.stamped = 0;
        assert_eq!(Agreement::new(&unstamped, ALL), without_any());
    }
}
