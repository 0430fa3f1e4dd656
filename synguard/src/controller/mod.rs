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
mod presence;
mod promotion;
pub(crate) mod protection;
mod reload;
mod saving;
mod told;
mod unmounted;
mod upkeep;
mod watched;

pub use guard::{Ending, Guard, News};
pub use ledger::Ledger;
