//! What the packet path tells: sources over their rate, and packets.

use aya::maps::{Map, MapData, RingBuf};
use synguard_common::abi::{Event, Sample};
use tokio::io::unix::AsyncFd;

use super::pins::Pins;
use super::plain::{self, Words};
use crate::Result;
use crate::error::Context as _;

/// What one buffer tells, as it comes. Only one reader may open it: the controller, and
/// for samples the one that captures.
pub struct Told<T> {
    ring: AsyncFd<RingBuf<MapData>>,
    kind: std::marker::PhantomData<T>,
}

/// Sources over their rate.
pub type Events = Told<Event>;
/// Packets.
pub type Samples = Told<Sample>;

impl Events {
    /// Opens the events of an interface.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where the map is not there; so below.
    pub fn open(pins: &Pins) -> Result<Self> {
        Self::from_pin(pins, "EVENTS")
    }
}

impl Samples {
    /// Opens the packets that a capture wants.
    pub(super) fn captured(pins: &Pins) -> Result<Self> {
        Self::from_pin(pins, "SAMPLES")
    }

    /// Opens the packets that are evidence.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn evidence(pins: &Pins) -> Result<Self> {
        Self::from_pin(pins, "EVIDENCE")
    }
}

#[expect(
    private_bounds,
    reason = "which types lie in maps is nobody else's business"
)]
impl<T: Words> Told<T> {
    fn from_pin(pins: &Pins, name: &str) -> Result<Self> {
        let what = format!("opening {name}");
        let data = MapData::from_pin(pins.path(name)).context(&what)?;
        let map = Map::from_map_data(data).context(&what)?;
        let ring = RingBuf::try_from(map).context(&what)?;
        // SAFETY: the ring buffer owns its descriptor and never closes it before
        // it is dropped, nor gives another one.
        let ring = unsafe { AsyncFd::register(ring) }.context(&what)?;
        Ok(Self {
            ring,
            kind: std::marker::PhantomData,
        })
    }

    /// Waits for the next ones and gives all that are there.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where waiting fails.
    pub async fn next(&mut self) -> Result<Vec<T>> {
        let mut ready = self
            .ring
            .readable_mut()
            .await
            .context("waiting for events")?;
        let told = read_all(ready.get_inner_mut());
        ready.clear_ready();
        Ok(told)
    }
}

/// All that is there.
pub(super) fn read_all<T: Words>(ring: &mut RingBuf<MapData>) -> Vec<T> {
    let mut told = Vec::new();
    while let Some(item) = ring.next() {
        told.extend(plain::read::<T>(&item));
    }
    told
}
