//! What the host's own packet filter does to the clients of a port, as far as
//! SYN cookies from XDP are concerned.
//!
//! A SYN that is answered before the kernel sees it is missed by netfilter: the
//! first packet that it sees of such a client is the ACK, which connection
//! tracking takes for NEW (or INVALID, where `nf_conntrack_tcp_loose` is 0).
//! And the cookie in it only fits the addresses and ports that the client used.
//! So a port must be left to the kernel where rules
//!
//! - send its connections elsewhere (DNAT, REDIRECT, NETMAP, TPROXY, rewriting);
//! - answer its SYNs themselves (SYNPROXY);
//! - let the SYN in and then drop the ACK of whom they saw no SYN;
//! - let no SYN in at all;
//! - or cannot be understood.
//!
//! [`survey`] reads the rules, [`Firewall::hinders`] follows the SYN and the ACK
//! of one client through them side by side (`pair.rs`). Known are: IP family,
//! protocol TCP, destination port, flags and state, and that the packet did not
//! come in by `lo`. Everything else is unknown, and then every way is followed:
//! what is a matter of the connection (addresses, interfaces, rates) has the same
//! answer for both packets, what is a matter of the packet (TCP options, lengths)
//! may differ. What is not recognised counts against the port.
//!
//! Recognised are the statements and expressions of nftables except `queue`,
//! `fwd` and those that nft itself cannot show, and the usual matches and
//! targets of iptables, of both makes. A rule that hands packets to another
//! program or that has a target unknown here hinders only the ports whose
//! packets may come to it. Marks, `recent` lists and dynamic sets are taken for
//! the same in SYN and ACK unless some rule fills them for one of the two only.
//! The way out (the hooks output and postrouting) is not followed: a connection
//! taken up by its ACK is ESTABLISHED there. Nor are IPVS and BPF programs known.
//!
//! `nft/` and `iptables/` read what the tools print, both into a `ruleset.rs`;
//! `walk.rs` follows one packet, `pair.rs` two; `examine.rs` asks all questions
//! about a port. Only `survey.rs`, `tool.rs` and `in_use.rs` touch the system.

mod condition;
mod examine;
mod hindrance;
mod in_use;
mod iptables;
mod nft;
mod packet;
mod pair;
mod ruleset;
mod survey;
mod tool;
mod walk;

pub use hindrance::Hindrance;
pub use ruleset::Place;
pub use survey::survey;

use examine::Question;
use packet::Family;
use ruleset::{Hook, Table};

/// The rules of one network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    tables: Vec<Table>,
    /// Whether connection tracking takes up connections in their midst.
    loose: bool,
    /// Why not all rules are known.
    unread: Option<Hindrance>,
}

impl Firewall {
    /// Why SYNs to a TCP port of this namespace must be left to the kernel, or
    /// `None` where they may be answered for it. What holds for IPv4 or for IPv6
    /// holds for the port, unless the rules let in none of that family.
    pub fn hinders(&self, port: u16) -> Option<Hindrance> {
        self.examine(port, &[Hook::Ingress, Hook::Prerouting, Hook::Input])
    }

    /// The same for a port of another namespace that this one routes to.
    pub fn hinders_forwarded(&self, port: u16) -> Option<Hindrance> {
        self.examine(port, &[Hook::Ingress, Hook::Prerouting, Hook::Forward])
    }

    fn examine(&self, port: u16, hooks: &[Hook]) -> Option<Hindrance> {
        let of_family = |family| {
            let question = Question {
                tables: &self.tables,
                hooks,
                loose: self.loose,
                family,
            };
            let found = question.hindrance(port);
            // A family that is shut off as a whole has no clients to lose.
            let is_shut = matches!(found, Some(Hindrance::Closed { .. })) && question.is_shut();
            (found, is_shut)
        };
        let [(v4, v4_is_shut), (v6, v6_is_shut)] = [Family::V4, Family::V6].map(of_family);
        self.unread.clone().or(match (v4_is_shut, v6_is_shut) {
            (true, false) => v6,
            (false, true) => v4,
            _ => v4.or(v6),
        })
    }
}

#[cfg(test)]
impl Firewall {
    /// What is wrong with a port, in a word.
    fn word(&self, port: u16) -> &'static str {
        match self.hinders(port) {
            None => "-",
            Some(Hindrance::Unreadable { .. }) => "unreadable",
            Some(Hindrance::Published { .. }) => "published",
            Some(Hindrance::SynProxy { .. }) => "synproxy",
            Some(Hindrance::Closed { .. }) => "closed",
            Some(Hindrance::Strict { .. }) => "strict",
        }
    }
}
