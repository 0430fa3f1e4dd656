//! Metrics for Prometheus (docs/metrics.md), over HTTP.
//!
//! A scrape reads some dozens of numbers of each interface from its maps, and what its
//! controller last told: it walks over no records and keeps no controller waiting.

#[cfg(test)]
mod documented;
mod encode;
mod families;
mod family;
mod kernel;
mod listen;
mod process;
mod rules;
mod server;
mod table;
mod watched;

pub use encode::{Format, encode};
pub use families::{families, sample};
pub use family::{Family, Kind, Series};
pub use listen::{Listen, parse_listen};
pub(crate) use process::process;
pub(crate) use rules::RuleCounts;
pub(crate) use server::Server;
pub(crate) use table::Duty;
pub(crate) use watched::{Watched, look};
