//! Whether the maps have room for what is brought back.

use std::net::IpAddr;

use ipnet::IpNet;
use synguard_common::source::SourceMask;

use crate::address;

/// Rules that each map keeps free, for what protects this host and for bans to come.
const RESERVE: u32 = 256;

/// What is left, by map: exact sources and other prefixes, of either family.
#[derive(Debug)]
pub(super) struct Room {
    mask: SourceMask,
    left: [u32; 4],
}

impl Room {
    /// In empty maps for `capacity` rules each.
    pub(super) const fn new(capacity: u32, mask: SourceMask) -> Self {
        let left = capacity.saturating_sub(RESERVE);
        Self {
            mask,
            left: [left; 4],
        }
    }

    /// Takes the place of one more rule, if there is one.
    pub(super) fn take(&mut self, net: &IpNet) -> bool {
        let family = match net.addr() {
            IpAddr::V4(_) => 0,
            IpAddr::V6(_) => 1,
        };
        let map = 2 * usize::from(address::is_source(net, &self.mask)) + family;
        let left = self.left[map].checked_sub(1);
        self.left[map] = left.unwrap_or(0);
        left.is_some()
    }
}
