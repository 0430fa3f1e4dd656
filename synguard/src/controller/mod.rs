//! The controller: hears of offenders, promotes them, lifts what is over.

mod bans;
mod challenge;
pub mod detection;
mod evidence;
pub mod flood;
mod guard;
mod journal;
mod ledger;
mod pinned;
pub mod plan;
mod promotion;
mod protection;
mod reload;
mod told;
mod upkeep;
mod watched;

pub use guard::{Ending, Guard};
pub use ledger::Ledger;
