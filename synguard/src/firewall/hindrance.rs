//! Why SYNs to a port must be left to the kernel, and what to do about it.

use std::fmt;

use super::ruleset::Place;

/// Why SYNs to a port must be left to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// The host's rules cannot be read, or not all of them.
    Unreadable {
        /// What is unreadable: a clause.
        what: String,
        /// What to do about it: a sentence.
        remedy: String,
    },
    /// Connections are sent elsewhere: the cookie, made of the addresses and
    /// ports that the client sees, would not fit where they arrive.
    Published {
        /// The rule that does so.
        rule: Place,
    },
    /// Netfilter's own SYN proxy answers already.
    SynProxy {
        /// The rule that makes it.
        rule: Place,
    },
    /// The rules let no SYN in: an answer would show a port that is meant to
    /// look closed.
    Closed {
        /// The last rule that drops them, or the policy that does.
        rule: Place,
    },
    /// The rules drop the first ACK of a client whose SYN they did not see.
    Strict {
        /// The port, for the remedy.
        port: u16,
        /// The rule at which the ACK's way and the SYN's part.
        rule: Place,
        /// Whether connection tracking takes up connections in their midst.
        loose: bool,
    },
}

impl Hindrance {
    /// What a person can do to have the port answered all the same: one or
    /// more lines, or `None` where nothing needs to be done.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Unreadable { remedy, .. } => Some(remedy.clone()),
            Self::Published { .. } | Self::SynProxy { .. } | Self::Closed { .. } => None,
            Self::Strict { port, loose, .. } => Some(remedy_of_strictness(*port, *loose)),
        }
    }
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { what, .. } => {
                write!(f, "the packet filter's rules are not known: {what}")
            }
            Self::Published { rule } => write!(f, "its connections are sent elsewhere by {rule}"),
            Self::SynProxy { rule } => write!(f, "a SYN proxy answers for it already: {rule}"),
            Self::Closed { rule } => write!(f, "the rules let no SYN in: {rule}"),
            Self::Strict { rule, loose, .. } => {
                let cause = if *loose {
                    ""
                } else {
                    ", as net.netfilter.nf_conntrack_tcp_loose is 0"
                };
                write!(
                    f,
                    "a client whose SYN the rules did not see would be dropped at {rule}{cause}"
                )
            }
        }
    }
}

fn remedy_of_strictness(port: u16, loose: bool) -> String {
    let loosen = if loose {
        ""
    } else {
        "Type `sysctl -w net.netfilter.nf_conntrack_tcp_loose=1`. If that is not enough:\n"
    };
    format!(
        "{loosen}\
Take port {port} out of connection tracking, in both directions, and let it in by port alone:
  nft add table inet untracked
  nft add chain inet untracked in '{{ type filter hook prerouting priority raw; }}'
  nft add chain inet untracked out '{{ type filter hook output priority raw; }}'
  nft add rule inet untracked in tcp dport {port} notrack
  nft add rule inet untracked out tcp sport {port} notrack
and, before the rules that look at the state, where your rules filter what comes in:
  tcp dport {port} ct state untracked accept"
    )
}
