//! The kernel side as the rest of the program sees it. The only module that
//! names aya.
//!
//! Everything lives in maps pinned under `/sys/fs/bpf/synguard/<interface>`,
//! so it outlives this process, and every command opens the same maps.

mod attach;
mod batch;
mod capture;
mod events;
mod follow;
mod foreign;
mod gates;
mod held;
mod job;
mod kernel_log;
mod layout;
mod link;
mod maps;
mod object;
mod pinned_object;
mod pins;
mod place;
mod plain;
mod raw_map;
mod rules;
mod sandbox;
mod snapshot;
mod staging;
mod table;
mod tell;
mod tracepoint;
mod trial;
mod trie;
mod twin;
mod words;

pub use attach::{Attached, Facts, Undo, attach, check, namespace};
pub use capture::{Capture, Missed};
pub use events::{Events, Samples};
pub use job::Restore;
pub use link::{holds as in_place, is_going};
pub use maps::Maps;
pub use pins::{Lock, Pins, attached_interfaces, watched_interfaces};
pub use sandbox::{Sandbox, Sizes};
pub use snapshot::Snapshot;
pub use trial::{Handshakes, Trial};
pub use twin::Twin;
