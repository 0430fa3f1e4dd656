//! The addresses that this host depends on, found anew when interfaces come or go: a new
//! one gets its addresses a moment later.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::warn;

use crate::Result;
use crate::interface::{Links, Network};
use crate::protected::{self, Protected};

/// So long after interfaces came or went is looked for their addresses.
const AFTER: Duration = Duration::from_secs(30);

/// Finds them, and tells the guards.
pub(super) struct Dependence {
    now: Protected,
    sender: watch::Sender<Protected>,
    /// The interfaces at the last look, by number and name.
    seen: BTreeSet<(u32, String)>,
    until: Instant,
}

impl Dependence {
    pub(super) async fn new(network: &Network) -> Result<Self> {
        let now = protected::find(network).await?;
        Ok(Self {
            sender: watch::channel(now.clone()).0,
            now,
            seen: BTreeSet::new(),
            until: Instant::now(),
        })
    }

    /// As last found.
    pub(super) const fn addresses(&self) -> &Protected {
        &self.now
    }

    /// Hears of them from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<Protected> {
        self.sender.subscribe()
    }

    /// Finds them anew, if they may be others by now.
    pub(super) async fn look(&mut self, network: &Network, links: &Links) {
        let present = links.present.iter();
        let present = present.map(|interface| (interface.index, interface.name.clone()));
        let present: BTreeSet<_> = present.collect();
        if present != self.seen {
            self.seen = present;
            self.until = Instant::now() + AFTER;
        }
        if Instant::now() > self.until {
            return;
        }
        match protected::find(network).await {
            Ok(found) if found != self.now => {
                self.now.clone_from(&found);
                let _ = self.sender.send_replace(found);
            }
            Ok(_) => {}
            Err(failure) => warn!("the addresses to protect stay as they were: {failure}"),
        }
    }
}
