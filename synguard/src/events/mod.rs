//! What happens, for programs: JSON lines in a file, and a hook that is run
//! (docs/events.md). The log's words come from the same values.
//!
//! Whoever reads, stores or handles events is waited for by threads of their own, whose
//! queues are bounded: the controller never waits.

mod destination;
#[cfg(test)]
mod documented;
mod event;
mod file;
mod hook;
mod record;
mod sinks;
mod voice;
mod words;

pub use destination::{Destination, parse_destination};
pub use event::{Attachment, Cause, Engaged, Event, Left, LiftReason, Lifted, Promoted, Rates};
pub use hook::{Command, OnEvent, parse_command};
pub use record::SCHEMA_VERSION;
pub(crate) use sinks::{adopt_command, adopt_destination, finish, reopen};
pub(crate) use voice::Voice;
pub(crate) use words::left;
