//! Answering a SYN with a SYN cookie: what it asks for, and the SYN-ACK.
//!
//! The kernel's own stack makes the cookie and later accepts it
//! (`net/ipv4/syncookies.c`). It remembers nothing in between: the MSS is in the
//! cookie, all other options in the timestamp that the client echoes. So what is
//! promised here must be exactly what the kernel will read there.
//!
//! 1. [`Question::read`]: a SYN that can be answered, or nothing.
//! 2. The kernel makes the cookie.
//! 3. [`Question::answer`], whose [`Answer::frame_len`] the frame is to be given.
//! 4. [`Answer::write`] turns the frame around.
//!
//! All words are in host byte order, and every word is set: LLVM would otherwise
//! let the kernel side compute with words that never were.

mod agreement;
mod answer;
mod checksum;
mod header;
mod ipv4;
mod ipv6;
mod options;
mod segment;
mod syn;
mod timestamp;

pub use agreement::{Agreement, ability};
pub use answer::{Answer, Question, Terms, network_layer};
pub use header::Header;
pub use ipv4::Ipv4;
pub use ipv6::Ipv6;
pub use options::Options;
pub use segment::Segment;
pub use syn::Syn;
pub use timestamp::timestamp;
