//! Who listens for TCP connections on this host and in its containers, and how.
//!
//! [`survey()`] asks the kernel, [`endpoints()`] says what that means for packets that come
//! in. A SYN that nothing here speaks of is the kernel's: what cannot be found out for
//! certain is left out, or counts as what promises least.

mod addresses;
mod buffers;
mod endpoints;
mod ids;
mod label;
mod namespaces;
mod sockets;
mod survey;
mod sysctls;

pub use addresses::OwnAddress;
pub use endpoints::{Endpoint, ambiguous, endpoints};
pub use namespaces::inside_of;
pub use sockets::Listener;
pub use survey::{Namespace, OWN, Survey, survey};
pub use sysctls::Sysctls;
