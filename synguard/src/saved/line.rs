//! The lines of the files, of which the first is a [`Header`].

use std::time::SystemTime;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Kind, dates};

/// What the files are called by themselves.
pub(super) const FORMAT: &str = "synguard";
/// Raised with every change that an older build would misread.
pub(super) const VERSION: u32 = 1;
/// Prefixes in one line, so that none is too long to be read at once.
pub(super) const PREFIXES: usize = 1000;
/// The longest line, in bytes: so many prefixes, with room for the rest.
pub(super) const LONGEST: usize = 64 * PREFIXES;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// What the file is.
    Header(Header),
    /// An automatic ban.
    Ban(Ban),
    /// How often a source was banned.
    Offences(Offender),
    /// An imported list.
    List(Imported),
    /// What a person said about a prefix.
    Rule(Said),
    /// Prefixes that lists name.
    Prefixes(Prefixes),
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) kind: Kind,
    pub(super) interface: String,
    /// When all that follows was so.
    #[serde(with = "dates")]
    pub(super) written: SystemTime,
    /// Which boot of the host (`/proc/sys/kernel/random/boot_id`).
    pub(super) boot: String,
    /// Whether nothing was dropped then.
    pub(super) dry_run: bool,
    /// How many lines follow.
    pub(super) lines: u64,
}

/// An automatic ban.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ban {
    pub(super) source: IpNet,
    #[serde(with = "dates")]
    pub(super) since: SystemTime,
    #[serde(with = "dates")]
    pub(super) until: SystemTime,
    pub(super) scope: Scope,
    pub(super) hits: u64,
    pub(super) syns: u32,
    pub(super) syns_per_second: u32,
    pub(super) handshakes: u32,
    pub(super) source_port: u32,
    pub(super) recent_ports: u64,
    pub(super) port_set: u64,
}

/// How often a source was banned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offender {
    pub(super) source: IpNet,
    pub(super) count: u64,
    /// When the last ban ended or is to end.
    #[serde(with = "dates")]
    pub(super) until: SystemTime,
}

/// An imported list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Imported {
    pub(super) name: String,
    pub(super) action: Action,
    pub(super) scope: Scope,
    #[serde(with = "dates")]
    pub(super) imported: SystemTime,
    pub(super) prefixes: u64,
}

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    pub(super) prefix: IpNet,
    pub(super) action: Action,
    pub(super) scope: Scope,
    #[serde(with = "dates")]
    pub(super) since: SystemTime,
    #[serde(with = "dates::or_never")]
    pub(super) until: Option<SystemTime>,
    pub(super) hits: u64,
    /// Lists that name it too.
    pub(super) lists: Vec<String>,
}

/// Prefixes that the same lists name, since the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prefixes {
    pub(super) lists: Vec<String>,
    #[serde(with = "dates")]
    pub(super) since: SystemTime,
    #[serde(with = "dates::or_never")]
    pub(super) until: Option<SystemTime>,
    pub(super) prefixes: Vec<IpNet>,
}

/// [`synguard_common::abi::action`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Block,
    Allow,
}

/// [`synguard_common::abi::scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    Syn,
    All,
}

impl Action {
    pub(super) const fn of(code: u8) -> Self {
        match code {
            synguard_common::abi::action::ALLOW => Self::Allow,
            _ => Self::Block,
        }
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Block => synguard_common::abi::action::BLOCK,
            Self::Allow => synguard_common::abi::action::ALLOW,
        }
    }
}

impl Scope {
    pub(super) const fn of(code: u8) -> Self {
        match code {
            synguard_common::abi::scope::ALL => Self::All,
            _ => Self::Syn,
        }
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Syn => synguard_common::abi::scope::SYN,
            Self::All => synguard_common::abi::scope::ALL,
        }
    }
}
