//! Whether new clients are challenged.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;
use synguard_common::abi::challenge;
use synguard_common::verdict::Reason;

use crate::challenge::{Hindrance, Obstacle};
use crate::counters::Counters;
use crate::dataplane::Maps;
use crate::{Result, text};

/// Whether clients that have not connected before are challenged with SYN cookies.
#[derive(Debug, Serialize)]
pub struct Challenges {
    /// When they are to be: `off`, `auto` or `always`.
    pub mode: &'static str,
    /// Since when they are: ISO 8601, UTC; null while they are not.
    pub engaged_since: Option<String>,
    /// What keeps them from ever being; null where nothing does.
    pub obstacle: Option<Obstacle>,
    /// SYNs answered with a cookie since attach.
    pub answered: u64,
    /// Where somebody listens.
    pub listeners: Vec<ListenerEntry>,
}

/// An address and a port at which somebody listens.
#[derive(Debug, Serialize)]
pub struct ListenerEntry {
    /// `ADDRESS:PORT`, an IPv6 address in brackets.
    pub address: String,
    /// The id of its network namespace (`ip netns list-id`); null for this one.
    pub namespace: Option<i32>,
    /// Why the kernel goes on answering there; null where SYNs are answered.
    pub hindrance: Option<Hindrance>,
}

impl Challenges {
    /// Reads how it is.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where a map cannot be read.
    pub fn read(maps: &Maps, counters: &Counters) -> Result<Self> {
        let (engagement, clock) = (maps.engagement()?, maps.clock()?);
        let since = clock.date(engagement.since, clock.now(), SystemTime::now());
        let mut listeners = maps.listeners()?;
        listeners.sort_by_key(|(address, _)| *address);
        Ok(Self {
            mode: match engagement.mode {
                challenge::AUTO => "auto",
                challenge::ALWAYS => "always",
                _ => "off",
            },
            // Whatever a controller said that is gone: this is what the filter does.
            engaged_since: maps
                .settings()?
                .challenges(clock.now())
                .then(|| text::date(since)),
            obstacle: Obstacle::of(engagement.obstacle),
            answered: counters.of(Reason::SynAnswered),
            listeners: listeners
                .into_iter()
                .map(|(address, listener)| ListenerEntry {
                    address: address.to_string(),
                    namespace: (listener.namespace >= 0).then_some(listener.namespace),
                    hindrance: Hindrance::of(listener.hindrance),
                })
                .collect(),
        })
    }

    /// One line for people; none where nobody wants challenges.
    pub fn line(&self, answered_per_second: u64) -> Option<String> {
        if self.mode == "off" {
            return None;
        }
        let state = match (&self.engaged_since, self.obstacle) {
            (Some(since), _) => format!(
                "CHALLENGING new clients with SYN cookies since {since}: {} answered \
                 ({answered_per_second}/s)",
                text::count(self.answered, "SYN", "SYNs"),
            ),
            (None, Some(obstacle)) => {
                format!("no SYN cookies from here: {}", obstacle.reason())
            }
            (None, None) => {
                "ready to challenge new clients with SYN cookies in a spoofed flood".to_owned()
            }
        };
        let left: Vec<_> = self
            .left()
            .into_iter()
            .map(|(hindrance, addresses)| {
                let listed = addresses.join(" ");
                format!("{listed} left to the kernel: {}", hindrance.reason())
            })
            .collect();
        Some([vec![state], left].concat().join("; "))
    }

    fn left(&self) -> BTreeMap<Hindrance, Vec<&str>> {
        let mut left = BTreeMap::<_, Vec<_>>::new();
        for listener in &self.listeners {
            if let Some(hindrance) = listener.hindrance {
                let addresses = left.entry(hindrance).or_default();
                addresses.push(listener.address.as_str());
            }
        }
        left
    }
}
