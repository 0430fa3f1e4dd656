//! The controller: hears of offenders, promotes them, lifts what is over.

mod bans;
mod challenge;
mod flood;
mod guard;
mod journal;
pub mod plan;
mod promotion;
mod protection;
mod upkeep;

pub use guard::{Ending, Guard};
