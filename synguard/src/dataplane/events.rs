//! What the packet path tells: sources over their rate.

use aya::maps::{Map, MapData, RingBuf};
use synguard_common::abi::Event;
use tokio::io::unix::AsyncFd;

use super::pins::Pins;
use super::plain;
use crate::Result;
use crate::error::Context as _;

/// Events, as they come.
pub struct Events(AsyncFd<RingBuf<MapData>>);

impl Events {
    /// Opens the events of an interface. Only one reader may: the controller.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the map is not there.
    pub fn open(pins: &Pins) -> Result<Self> {
        let data = MapData::from_pin(pins.path("EVENTS")).context("opening the events")?;
        let map = Map::from_map_data(data).context("opening the events")?;
        let ring = RingBuf::try_from(map).context("opening the events")?;
        // SAFETY: the ring buffer owns its descriptor and never closes it before
        // it is dropped, nor gives another one.
        let ring = unsafe { AsyncFd::register(ring) }.context("waiting for events")?;
        Ok(Self(ring))
    }

    /// Waits for the next events and gives all that are there.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where waiting fails.
    pub async fn next(&mut self) -> Result<Vec<Event>> {
        let mut ready = self.0.readable_mut().await.context("waiting for events")?;
        let ring = ready.get_inner_mut();
        let mut events = Vec::new();
        while let Some(item) = ring.next() {
            events.extend(plain::read::<Event>(&item));
        }
        ready.clear_ready();
        Ok(events)
    }
}
