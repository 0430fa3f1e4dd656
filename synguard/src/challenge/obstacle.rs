//! What keeps an interface from challenging anybody, in words.

use serde::{Serialize, Serializer};
use synguard_common::abi::obstacle;

/// What keeps an interface from challenging anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The kernel lacks what the program needs.
    Kernel,
    /// A veth in native mode.
    Veth,
    /// Handshakes are not counted.
    Blind,
    /// No listener can serve who was answered so.
    Listeners,
    /// A dry run.
    DryRun,
    /// Interfaces of VLANs stand on it.
    Vlan,
}

const ALL: [Obstacle; 6] = [
    Obstacle::Kernel,
    Obstacle::Veth,
    Obstacle::Blind,
    Obstacle::Listeners,
    Obstacle::DryRun,
    Obstacle::Vlan,
];

impl Obstacle {
    /// As in [`synguard_common::abi::Engagement`].
    pub const fn code(self) -> u32 {
        match self {
            Self::Kernel => obstacle::KERNEL,
            Self::Veth => obstacle::VETH,
            Self::Blind => obstacle::BLIND,
            Self::Listeners => obstacle::LISTENERS,
            Self::DryRun => obstacle::DRY_RUN,
            Self::Vlan => obstacle::VLAN,
        }
    }

    /// What the code stands for; `None` where nothing is in the way.
    pub fn of(code: u32) -> Option<Self> {
        ALL.into_iter().find(|obstacle| obstacle.code() == code)
    }

    /// As in JSON.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Veth => "veth",
            Self::Blind => "blind",
            Self::Listeners => "listeners",
            Self::DryRun => "dry_run",
            Self::Vlan => "vlan",
        }
    }

    /// Why.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Kernel => "this kernel lacks the helpers that make SYN cookies",
            Self::Veth => "a veth in native mode loses the answers",
            Self::Blind => {
                "completed connections cannot be seen, so no flood can be told from a \
                            crowd"
            }
            Self::Listeners => "no listener can be answered for",
            Self::DryRun => "a dry run does nothing",
            Self::Vlan => {
                "VLAN interfaces stand on it, and a network card that takes tags off \
                           does not put them on an answer"
            }
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Kernel => "a kernel from 5.10 on; net.ipv4.tcp_syncookies=1 helps meanwhile",
            Self::Veth => "`synguard detach`, then `attach --mode generic`",
            Self::Blind => {
                "`attach --challenge always`, or a kernel with the tracepoint \
                            sock:inet_sock_set_state"
            }
            Self::Listeners => "`synguard doctor` names what each of them lacks",
            Self::DryRun => "`attach` without --dry-run",
            Self::Vlan => "`synguard detach`, then `attach --mode generic`",
        }
    }
}

impl Serialize for Obstacle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}
