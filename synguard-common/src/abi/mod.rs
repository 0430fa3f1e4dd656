//! The layout of the maps: the database that the kernel and every command share.
//!
//! All types are plain words without hidden padding. The maps are pinned and
//! outlive the binary that made them: any change here needs a new
//! [`ABI_VERSION`], so that an older map is never misread. What a filter is taken over
//! by, from a build with another one, is in [`layout`].

mod controller;
pub mod layout;
mod listener;
mod pressure;
mod record;
mod rule;
mod sample;
mod settings;

use core::mem::size_of;

use crate::budget::Budget;

pub use controller::{
    Attachment, Engagement, LIST_NAME, List, Offences, SpoofedFlood, challenge, change, obstacle,
};
pub use listener::{Endpoint, Listener, endpoint, hindrance};
pub use pressure::{Event, LivePressure, Pressure};
pub use record::{LiveRecord, SourceRecord};
pub use rule::{LiveRule, Rule, TrieV4, TrieV6, action, holder, origin, scope};
pub use sample::{CaptureFilter, Draft, SNAP, Sample, WORD, budget, missed, stage, verdict};
pub use settings::{Settings, dry_run};

/// Raised with every change of a layout in this file or of the order of
/// [`Reason`](crate::verdict::Reason).
#[cfg(not(feature = "other-layout"))]
pub const ABI_VERSION: u32 = 6;
/// That of the build which tests take a filter over from, and hand it over to.
#[cfg(feature = "other-layout")]
pub const ABI_VERSION: u32 = 1006;

/// Words at the end of a rule and a record, by which the layout of that build differs.
#[cfg(feature = "other-layout")]
pub const PADDING: usize = 2;

/// An `expires` that never comes.
pub const NEVER: u64 = u64::MAX;

/// By so many bytes rules and records are longer than [`layout::PARTS`] begin.
#[cfg(not(feature = "other-layout"))]
const GROWN: usize = 0;
#[cfg(feature = "other-layout")]
const GROWN: usize = 8 * PADDING;

const _: () = {
    assert!(size_of::<Rule>() == 64 + GROWN);
    assert!(size_of::<LiveRule>() == 64 + GROWN);
    assert!(size_of::<SourceRecord>() == 136 + GROWN);
    assert!(size_of::<LiveRecord>() == 136 + GROWN);
    assert!(size_of::<Settings>() == 112);
    assert!(size_of::<Pressure>() == 64);
    assert!(size_of::<LivePressure>() == 64);
    assert!(size_of::<SpoofedFlood>() == 24);
    assert!(size_of::<Offences>() == 16);
    assert!(size_of::<List>() == 64);
    assert!(size_of::<Attachment>() == 48);
    assert!(size_of::<Event>() == 24);
    assert!(size_of::<Listener>() == 20);
    assert!(size_of::<Engagement>() == 16);
    assert!(size_of::<Sample>() == 328);
    assert!(size_of::<Draft>() == 336);
    assert!(size_of::<CaptureFilter>() == 48);
    assert!(size_of::<Budget>() == 24);
};
