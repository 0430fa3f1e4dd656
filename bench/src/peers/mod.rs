//! The filters that people use today, from Debian's packages.

mod netfilter;
mod synproxy;
mod xdp_filter;

pub use netfilter::{Iptables, Nft};
pub use synproxy::Synproxy;
pub use xdp_filter::XdpFilter;
