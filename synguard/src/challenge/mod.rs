//! Challenging new clients with SYN cookies: where that can be, and what it takes.
//!
//! The packet path answers a SYN only where user space says that the connection
//! will then work: [`Wanted::plan`] judges each listener by its sysctls and by
//! the firewalls' rules, [`Errand`] finds them all, and sysctls that are set for it are
//! on lease: remembered, and put back.

mod hindrance;
mod lease;
mod managed;
mod obstacle;
mod plan;
mod survey;
mod veth;

pub use hindrance::Hindrance;
pub use managed::give_sysctls_back;
pub use obstacle::Obstacle;
pub use plan::{Plan, Wanted};
pub use survey::{Errand, Firewalls};
pub use veth::settings_for;
