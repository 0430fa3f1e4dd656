//! The thread that writes evidence down.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use super::ring::{Ban, Ring};
use super::{BOUNDS, folder};

/// Bans whose packets wait for a slow disk. What does not fit is not kept.
const WAITING: usize = 1024;
/// How long the end of the controller waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes packets of bans, and never keeps anybody waiting.
#[derive(Debug)]
pub struct Keeper {
    sender: Option<SyncSender<Ban>>,
    dropped: AtomicU64,
    /// Closed when all is written.
    done: Receiver<()>,
}

impl Keeper {
    /// Begins to keep an interface's evidence. Whether that can be done shows with the
    /// first ban, and is said in the log.
    pub fn start(state: &Path, interface: &str) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        let (tell, done) = channel();
        let interface = interface.to_owned();
        let ring = Ring::new(folder(state, &interface), interface.clone(), BOUNDS);
        thread::spawn(move || keep(ring, &interface, &receiver, tell));
        Self {
            sender: Some(sender),
            dropped: AtomicU64::new(0),
            done,
        }
    }

    /// Has packets of a ban written down.
    pub fn put(&self, ban: Ban) {
        if let Some(sender) = &self.sender
            && sender.try_send(ban).is_err()
        {
            // While the disk is too slow, evidence is what is done without.
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Bans whose packets did not fit.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.sender = None;
        // Nothing is ever sent: it ends when the thread does.
        let _ = self.done.recv_timeout(PATIENCE);
    }
}

fn keep(mut ring: Ring, interface: &str, bans: &Receiver<Ban>, _tell: Sender<()>) {
    let mut fails = false;
    while let Ok(ban) = bans.recv() {
        let kept = ring.put(&ban);
        // Said once, however long it lasts.
        match &kept {
            Err(error) if !fails => warn!(
                "{interface}: packets of bans cannot be kept as evidence in {}: {error}; \
                 filtering goes on without",
                ring.folder().display()
            ),
            Ok(()) if fails => info!(
                "{interface}: packets of bans are kept again in {}",
                ring.folder().display()
            ),
            _ => {}
        }
        fails = kept.is_err();
    }
}
