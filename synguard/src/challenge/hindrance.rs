//! Why SYNs to a listener are left to the kernel, in words.

use serde::{Serialize, Serializer};
use synguard_common::abi::hindrance;

use crate::firewall;

/// Why SYNs to a listener are left to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hindrance {
    /// The port is published: DNAT passes the packet on to another address or port.
    Published,
    /// The firewall takes no ACK whose SYN it has not seen.
    Strict,
    /// The firewall answers SYNs with cookies itself.
    SynProxy,
    /// The firewall lets no SYN in.
    Closed,
    /// The firewall's rules cannot be read.
    Unreadable,
    /// `tcp_syncookies` is not 2.
    Syncookies,
    /// `tcp_timestamps` is 1.
    Timestamps,
    /// Not among the ports that were asked for.
    NotAsked,
}

const ALL: [Hindrance; 8] = [
    Hindrance::Published,
    Hindrance::Strict,
    Hindrance::SynProxy,
    Hindrance::Closed,
    Hindrance::Unreadable,
    Hindrance::Syncookies,
    Hindrance::Timestamps,
    Hindrance::NotAsked,
];

impl Hindrance {
    /// As in [`synguard_common::abi::Listener`].
    pub const fn code(self) -> u32 {
        match self {
            Self::Published => hindrance::PUBLISHED,
            Self::Strict => hindrance::STRICT,
            Self::SynProxy => hindrance::SYNPROXY,
            Self::Closed => hindrance::CLOSED,
            Self::Unreadable => hindrance::UNREADABLE,
            Self::Syncookies => hindrance::SYNCOOKIES,
            Self::Timestamps => hindrance::TIMESTAMPS,
            Self::NotAsked => hindrance::NOT_ASKED,
        }
    }

    /// What the code stands for; `None` where nothing hinders.
    pub fn of(code: u32) -> Option<Self> {
        ALL.into_iter().find(|hindrance| hindrance.code() == code)
    }

    /// As in JSON.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Strict => "strict_firewall",
            Self::SynProxy => "synproxy",
            Self::Closed => "closed",
            Self::Unreadable => "unreadable_firewall",
            Self::Syncookies => "tcp_syncookies",
            Self::Timestamps => "tcp_timestamps",
            Self::NotAsked => "not_asked",
        }
    }

    /// Why.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Published => "published by DNAT, which a cookie does not survive",
            Self::Strict => "the firewall takes no ACK whose SYN it has not seen",
            Self::SynProxy => "the firewall's synproxy answers there",
            Self::Closed => "the firewall lets no SYN in",
            Self::Unreadable => "the firewall's rules cannot be read",
            Self::Syncookies => "its net.ipv4.tcp_syncookies is not 2",
            Self::Timestamps => {
                "its net.ipv4.tcp_timestamps is 1, so that windows could not be scaled"
            }
            Self::NotAsked => "not among --challenge-ports",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Published => {
                "none is needed: the kernel goes on answering there (net.ipv4.tcp_syncookies=1)"
            }
            Self::Strict => {
                "`notrack` for the port in both directions, or accept new connections without \
                 asking for the SYN flag and leave nf_conntrack_tcp_loose at 1"
            }
            Self::SynProxy => "none is needed, or drop the synproxy rule",
            Self::Closed => "none is needed",
            Self::Unreadable => "apt install nftables iptables, or --challenge off",
            Self::Syncookies => {
                "`attach --manage-sysctls`, or in its network namespace \
                 `sysctl -w net.ipv4.tcp_syncookies=2 net.ipv4.tcp_timestamps=2`"
            }
            Self::Timestamps => {
                "`attach --manage-sysctls`, or in its network namespace \
                 `sysctl -w net.ipv4.tcp_timestamps=2`"
            }
            Self::NotAsked => "none is needed",
        }
    }
}

impl From<&firewall::Hindrance> for Hindrance {
    fn from(hindrance: &firewall::Hindrance) -> Self {
        match hindrance {
            firewall::Hindrance::Published { .. } => Self::Published,
            firewall::Hindrance::Strict { .. } => Self::Strict,
            firewall::Hindrance::SynProxy { .. } => Self::SynProxy,
            firewall::Hindrance::Closed { .. } => Self::Closed,
            firewall::Hindrance::Unreadable { .. } => Self::Unreadable,
        }
    }
}

impl Serialize for Hindrance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_hindrances_are_one_to_one() {
        for hindrance in ALL {
            assert_eq!(Hindrance::of(hindrance.code()), Some(hindrance));
        }
        assert_eq!(Hindrance::of(hindrance::NONE), None);
        assert_eq!(Hindrance::of(99), None);
    }
}
