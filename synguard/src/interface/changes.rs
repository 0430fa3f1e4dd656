//! The interfaces as they come and go.
//!
//! A message of the kernel (RTNLGRP_LINK) only says that something is new; what is there
//! is then asked for, so that a lost message, or many at once, do no harm.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::Stream;
use futures_util::{FutureExt as _, StreamExt as _};
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::sys::SocketAddr;
use rtnetlink::{MulticastGroup, new_multicast_connection};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::{Interface, Network};
use crate::Result;
use crate::error::Context as _;

/// How often is looked whatever the kernel says: it tells of no filter that somebody
/// took off, and its messages may be lost (ENOBUFS).
const EVERY: Duration = Duration::from_secs(1);
/// Between two looks lie so many times as long as a look takes: a host may have
/// thousands of interfaces.
const PAUSE: u32 = 4;
/// But no longer than this: on a machine that hardly gets to it, an interface that is back
/// shall not wait for its filter besides.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// How long deletions are remembered.
const MEMORY: Duration = Duration::from_secs(60);

/// All interfaces at one time.
#[derive(Clone, Debug)]
pub struct Links {
    /// Those that there were.
    pub present: Vec<Interface>,
    /// When they were asked for: what came later does not show.
    pub taken: Instant,
    /// When the kernel told of what is new since the last look.
    pub told: Instant,
    /// When the kernel told that the interface of a number was deleted, or left this
    /// network namespace; of the last minute.
    pub deleted: BTreeMap<u32, Instant>,
}

impl Links {
    /// The interface of this name.
    pub fn named(&self, name: &str) -> Option<&Interface> {
        self.present.iter().find(|interface| interface.name == name)
    }

    /// The interface on which this XDP program is.
    pub fn running(&self, program: u32) -> Option<&Interface> {
        let runs = |interface: &&Interface| interface.xdp.is_some_and(|xdp| xdp.id == program);
        self.present.iter().find(runs)
    }

    /// Whether the interface of this number was deleted since: there may be another one
    /// of the same number.
    pub fn was_deleted(&self, index: u32, since: Instant) -> bool {
        self.deleted.get(&index).is_some_and(|when| *when > since)
    }
}

impl Network {
    /// The interfaces now, and whenever something is new. Within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the kernel gives no netlink socket.
    pub async fn changes(&self) -> Result<watch::Receiver<Arc<Links>>> {
        let (connection, _, messages) = new_multicast_connection(&[MulticastGroup::Link])
            .context("listening for changes of interfaces")?;
        tokio::spawn(connection);
        let now = Instant::now();
        let first = self.look(now, BTreeMap::new()).await?;
        let (sender, receiver) = watch::channel(Arc::new(first));
        tokio::spawn(follow(self.clone(), messages, sender));
        Ok(receiver)
    }

    async fn look(&self, told: Instant, deleted: BTreeMap<u32, Instant>) -> Result<Links> {
        let taken = Instant::now();
        let links = self.links().await?;
        Ok(Links {
            present: links.into_iter().map(|link| link.interface).collect(),
            taken,
            told,
            deleted,
        })
    }
}

type Message = NetlinkMessage<RouteNetlinkMessage>;

async fn follow(
    network: Network,
    mut messages: impl Stream<Item = (Message, SocketAddr)> + Unpin,
    sender: watch::Sender<Arc<Links>>,
) {
    let mut deleted = BTreeMap::new();
    let mut fails = false;
    while !sender.is_closed() {
        let first = timeout(EVERY, messages.next()).await;
        let told = Instant::now();
        if matches!(first, Ok(None)) {
            // No more messages are to be had: looking from time to time must do.
            sleep(EVERY).await;
        }
        deleted.retain(|_, when| told.duration_since(*when) < MEMORY);
        let mut heard = first.ok().flatten();
        while let Some((message, _)) = heard {
            deleted.extend(deletion(&message).map(|index| (index, told)));
            heard = messages.next().now_or_never().flatten();
        }
        match network.look(told, deleted.clone()).await {
            Ok(links) => {
                if fails {
                    info!("interfaces can be listed again");
                }
                fails = false;
                let _ = sender.send_replace(Arc::new(links));
            }
            Err(failure) => {
                if !fails {
                    warn!("whether interfaces come or go is not seen for now: {failure}");
                }
                fails = true;
            }
        }
        sleep((told.elapsed() * PAUSE).min(LONGEST_PAUSE)).await;
    }
}

/// The number of the interface that the message says is deleted. A bridge that loses a
/// port says so with the same type of message, but in its own family.
fn deletion(message: &Message) -> Option<u32> {
    match &message.payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(link))
            if link.header.interface_family == AddressFamily::Unspec =>
        {
            Some(link.header.index)
        }
        _ => None,
    }
}
