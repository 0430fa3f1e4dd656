//! Whom to tell about an address: its abuse contact, by RDAP (RFC 9082, RFC 9083)
//! or, where that has none, by whois (RFC 3912).
//!
//! Parsers are pure. [`find`] asks, from a thread that has given up root's
//! privileges ([`unprivileged`]).

mod bootstrap;
mod cache;
mod endpoints;
mod fetch;
mod find;
mod freshness;
mod rdap;
mod special;
mod unprivileged;
mod whois;
mod whois_client;

pub mod email;

use serde::Serialize;

pub use cache::Cache;
pub use endpoints::{Endpoints, WhoisServer, parse_bootstrap, parse_whois};
pub use find::find;
pub use special::special_purpose;

/// Whom to tell, or why that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Mailboxes for abuse, in the order in which they were named.
    pub emails: Vec<String>,
    /// The network's name.
    pub network: Option<String>,
    /// Who named them.
    pub found_by: Option<String>,
    /// What went wrong on the way.
    pub problems: Vec<String>,
}

impl Contact {
    /// None, for this reason.
    pub fn none(problem: String) -> Self {
        Self {
            problems: vec![problem],
            ..Self::default()
        }
    }

    /// What an answer names. Each mailbox once.
    fn named(named: Named, found_by: String) -> Self {
        let mut emails = Vec::new();
        for email in named.emails {
            if !emails.contains(&email) && emails.len() < MOST_EMAILS {
                emails.push(email);
            }
        }
        Self {
            emails,
            network: named.network,
            found_by: Some(found_by),
            problems: Vec::new(),
        }
    }
}

/// Nobody wants to write to more.
const MOST_EMAILS: usize = 8;

/// What one answer names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Named {
    emails: Vec<String>,
    network: Option<String>,
}
