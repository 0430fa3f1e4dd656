//! Packet filter rules as what nftables and iptables have in common.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::condition::Condition;
use super::packet::Family;

/// A table: chains that may call each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// For people and as a key: `inet filter`.
    pub name: String,
    /// Of the packets that it sees, or `None` for both.
    pub family: Option<Family>,
    pub chains: BTreeMap<String, Chain>,
}

/// A list of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    pub name: String,
    /// Where packets enter it by themselves.
    pub base: Option<Base>,
    pub rules: Vec<Rule>,
}

/// Where packets enter a chain, and what becomes of them at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub hook: Hook,
    /// Lower is earlier.
    pub priority: i64,
    /// Whether the policy is to drop.
    pub drops: bool,
}

/// The hooks on the way of a packet from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    Ingress,
    Prerouting,
    Input,
    Forward,
}

/// One step of a rule: what it asks and what it then does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub condition: Condition,
    pub action: Action,
    /// The whole rule as the tool prints it, for people.
    pub text: Arc<str>,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Accept,
    Drop,
    Return,
    /// Calls a chain of the same table.
    Jump(String),
    /// Like a call that returns to where this chain was called from.
    Goto(String),
    /// Takes the packet out of connection tracking.
    NoTrack,
    /// Sends the connection elsewhere: DNAT, REDIRECT, TPROXY and their like.
    Rewrite,
    /// Answers SYNs itself.
    SynProxy,
    /// Notes something about the packet or its source under a name.
    Remember(String),
    /// Not understood, or decided by another program.
    Opaque,
}

/// `nf_ct_get` knows nothing before this (`NF_IP_PRI_CONNTRACK` in
/// `include/uapi/linux/netfilter_ipv4.h`).
const CONNTRACK_PRIORITY: i64 = -200;

impl Action {
    /// Whether nothing more of this chain is looked at.
    pub const fn leaves_chain(&self) -> bool {
        matches!(self, Self::Return | Self::Goto(_))
    }
}

impl Base {
    /// Whether packets come here before connection tracking sees them.
    pub fn is_before_conntrack(&self) -> bool {
        match self.hook {
            Hook::Ingress => true,
            Hook::Prerouting => self.priority < CONNTRACK_PRIORITY,
            Hook::Input | Hook::Forward => false,
        }
    }
}

impl Table {
    /// Without chains.
    pub fn new(name: String, family: Option<Family>) -> Self {
        Self {
            name,
            family,
            chains: BTreeMap::new(),
        }
    }

    /// The chain of this name, made where it is missing.
    pub fn chain(&mut self, name: &str) -> &mut Chain {
        self.chains.entry(name.to_owned()).or_insert_with(|| Chain {
            name: name.to_owned(),
            ..Chain::default()
        })
    }

    /// The chains that packets of this family enter by themselves.
    pub fn entries(&self, family: Family) -> impl Iterator<Item = (&Chain, Base)> {
        let sees = self.family.is_none_or(|own| own == family);
        let chains = self.chains.values().filter(move |_| sees);
        chains.filter_map(|chain| Some((chain, chain.base?)))
    }
}

/// A rule, and where it stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// As `inet filter`.
    pub table: String,
    /// As `input`.
    pub chain: String,
    /// The rule as its tool prints it, or the chain's policy.
    pub text: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, chain, text } = self;
        write!(f, "`{text}` (table {table}, chain {chain})")
    }
}
