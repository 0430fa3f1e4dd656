//! A flood over a veth pair, as fast as one core can send and receive it.
//!
//! Every receiver has a lab of its own, so that all can be measured in turn.

mod answerer;
pub mod answering;
mod client;
mod receiver;
pub mod serving;
pub mod speed;
