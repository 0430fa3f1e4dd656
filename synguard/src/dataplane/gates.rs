//! The gates before the rules, mapped into memory: a list of a million opens them
//! without a system call for each.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;

use ipnet::IpNet;
use synguard_common::gate::{self, EXACT, Gate, PREFIX, WORDS};

use super::words::Words;
use crate::Result;
use crate::address;

/// From here down opening all gates of IPv6 is less work.
const WIDE_V6: u8 = 8;

/// The gates of one interface, mapped.
pub(super) struct Gates(Words);

impl Gates {
    pub(super) fn map(fd: BorrowedFd<'_>) -> Result<Self> {
        Words::map(fd, WORDS).map(Self)
    }

    /// Opens the gates of a rule about `net`. Before the rule is there, so that
    /// the packet path never misses it.
    pub(super) fn open(&self, net: &IpNet, is_source: bool) {
        let words = self.0.all();
        each(net, is_source, |gate, kind| {
            words[gate.word as usize].fetch_or(kind << gate.shift, Ordering::Relaxed);
        });
    }

    /// Makes them those that are wanted. Nobody may add a rule meanwhile; the packet
    /// path finds every gate open that it needs.
    pub(super) fn set(&self, wanted: &Wanted) {
        self.0.replace(&wanted.0);
    }
}

/// The gates that a set of rules needs.
pub(super) struct Wanted(Vec<u64>);

impl Wanted {
    pub(super) fn none() -> Self {
        Self(vec![0; WORDS as usize])
    }

    pub(super) fn add(&mut self, net: &IpNet, is_source: bool) {
        each(net, is_source, |gate, kind| {
            self.0[gate.word as usize] |= kind << gate.shift;
        });
    }
}

fn each(net: &IpNet, is_source: bool, mut open: impl FnMut(Gate, u64)) {
    let words = address::to_words(net.network());
    let bits = u32::from(net.prefix_len());
    if is_source {
        gate::of_source(words, bits).for_each(|gate| open(gate, EXACT));
    } else if matches!(net, IpNet::V6(_)) && net.prefix_len() <= WIDE_V6 {
        gate::all_of_v6().for_each(|gate| open(gate, PREFIX));
    } else {
        gate::of_prefix(words, bits).for_each(|gate| open(gate, PREFIX));
    }
}
