//! A packet that the packet path has shown.

use std::time::SystemTime;

use synguard_common::abi::{self, verdict};
use synguard_common::packet::parse;
use synguard_common::source::Address;
use synguard_common::verdict::{Reason, Verdict};

use super::time::WallClock;

/// A packet, what became of it, and what was known of its source then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// When it came.
    pub time: SystemTime,
    /// The frame, as far as it was copied.
    pub bytes: Vec<u8>,
    /// How long it was, in bytes.
    pub wire_len: u32,
    /// Under which reason it was counted.
    pub reason: Reason,
    /// What became of it.
    pub verdict: Verdict,
    /// What was known of its source; nothing where that had no record.
    pub state: Option<State>,
}

/// What was known of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// SYNs over the last window, times the window's length in ticks.
    pub load: u64,
    /// SYNs since it was first seen that no rule dropped.
    pub syns: u64,
    /// Of them, dropped for the rate.
    pub dropped: u64,
    /// Connections that it completed.
    pub handshakes: u64,
}

impl Captured {
    /// Reads what the packet path wrote; nothing where that makes no sense.
    pub fn read(sample: &abi::Sample, clock: &WallClock) -> Option<Self> {
        let index = usize::try_from(sample.reason).ok()?;
        let captured = usize::try_from(sample.captured).ok()?;
        Some(Self {
            time: clock.date(sample.nanos),
            bytes: sample.words.as_flattened().get(..captured)?.to_vec(),
            wire_len: sample.len,
            reason: *Reason::ALL.get(index)?,
            verdict: match sample.verdict {
                verdict::DROP => Verdict::Drop,
                verdict::ANSWER => Verdict::Challenge,
                _ => Verdict::Pass,
            },
            state: (sample.known != 0).then_some(State {
                load: sample.load,
                syns: sample.syns,
                dropped: sample.dropped,
                handshakes: sample.handshakes,
            }),
        })
    }

    /// The address that it claims to come from; none where there is no IP header.
    pub fn address(&self) -> Option<Address> {
        let address = parse(&self.bytes[..]).source;
        (address != Address::UNSPECIFIED).then_some(address)
    }
}
