//! The controller: hears of offenders, promotes them, lifts what is over.

mod guard;
mod journal;
pub mod plan;
mod protection;

pub use guard::{Ending, Guard};
