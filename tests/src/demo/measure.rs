//! One phase of the story in numbers.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::address::{CONTAINER, is_victim};
use crate::capture::Capture;
use crate::clients;
use crate::ping::{self, Pings};
use crate::tally::Tally;
use crate::topology::{PROVIDER_END, Topology};

const REQUESTS: usize = 30;
const WORKERS: usize = 15;
const PINGS: u16 = 30;

/// Counts on the provider's end of the uplink, from its start on.
pub(super) struct Meter {
    syns: Capture,
    syn_acks: Capture,
    start: Instant,
}

impl Meter {
    pub(super) fn start(topology: &Topology) -> Result<Self> {
        Ok(Self {
            syns: Capture::start(&topology.internet, PROVIDER_END, |segment| {
                segment.opens() && is_victim(segment.source)
            })?,
            syn_acks: Capture::start(&topology.internet, PROVIDER_END, |segment| {
                segment.answers() && is_victim(segment.destination)
            })?,
            start: Instant::now(),
        })
    }
}

/// What was seen in a phase.
#[derive(Debug)]
pub(super) struct Phase {
    pub(super) clients: Tally,
    pub(super) pings: Pings,
    pub(super) syns: u64,
    pub(super) syn_acks: u64,
    pub(super) length: Duration,
}

/// Lets the clients work and the owner ping, then reads the meter.
pub(super) fn phase(topology: &Topology, meter: &Meter) -> Result<Phase> {
    let (clients, pings) = std::thread::scope(|scope| {
        let pings = scope.spawn(|| {
            // Longer than the uplink's buffer takes to drain.
            let patience = Duration::from_secs(7);
            ping::run(&topology.internet, CONTAINER.into(), PINGS, patience)
        });
        let clients = clients::run(topology, REQUESTS, WORKERS, clients::IMPATIENT);
        let pings = pings
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (clients, pings)
    });
    Ok(Phase {
        clients: clients?,
        pings: pings?,
        syns: meter.syns.count(),
        syn_acks: meter.syn_acks.count(),
        length: meter.start.elapsed(),
    })
}
