//! How long an offender gets away with it.
//!
//! The sender keeps an exact pace, so the number of a SYN is its time. Of a flood
//! from one source first so many pass, then so many are dropped for the rate in
//! the kernel, then all are dropped by the ban: the counters say when it came.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use synguard_tests::address::{CONTAINER, hardware};
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::Topology;

use super::add;
use crate::flood::{self, From, Sender};
use crate::frames;
use crate::names::scenario;
use crate::report::Results;

const PER_SECOND: u32 = 500_000;
/// A fifth of a second: a ban that takes longer is not seen, and an error.
const SYNS: u32 = 100_000;
const PORT: u16 = 443;

pub fn measure(rounds: u16, results: &mut Results) -> Result<()> {
    let topology = Topology::new()?;
    let synguard = Synguard::new(&topology)?;
    let mut sender = Sender::new(&topology)?;
    sender.pace(PER_SECOND)?;
    let _controller = synguard.attach(&["--mode", "native"])?;
    let mut samples = Vec::new();
    for round in 0..rounds {
        let [low, high] = round.to_le_bytes();
        let source = Ipv4Addr::new(150, 0, high, low);
        sender.aim(&frames::from_one(
            hardware::UPLINK,
            source,
            CONTAINER,
            PORT,
        )?)?;
        samples.push(milliseconds(&topology, &synguard, &sender)?);
    }
    add(results, scenario::PROMOTION, "ms", &samples);
    Ok(())
}

/// From the first SYN over the rate to the first drop by ban.
fn milliseconds(topology: &Topology, synguard: &Synguard, sender: &Sender) -> Result<f64> {
    let before = (flood::received(topology)?, Counts::read(synguard)?);
    let sent = sender.count(From::One, SYNS)?;
    let received = flood::received(topology)? - before.0;
    let counts = Counts::read(synguard)?.since(&before.1);
    ensure!(
        received >= sent.frames && counts.all() == sent.frames,
        "of {} SYNs {received} arrived, {counts:?}",
        sent.frames
    );
    ensure!(counts.banned > 0, "no ban within the flood: {counts:?}");
    let interval = sent.time.as_secs_f64() * 1e3 / sent.frames as f64;
    Ok(counts.rate_limited as f64 * interval)
}

#[derive(Debug)]
struct Counts {
    passed: u64,
    rate_limited: u64,
    banned: u64,
}

impl Counts {
    fn read(synguard: &Synguard) -> Result<Self> {
        let status = synguard.status()?;
        let number = |kind: &str, reason: &str| status[kind][reason].as_u64().unwrap_or(0);
        Ok(Self {
            passed: number("passed", "syn_counted"),
            rate_limited: number("dropped", "rate_limited"),
            banned: number("dropped", "banned"),
        })
    }

    const fn since(&self, before: &Self) -> Self {
        Self {
            passed: self.passed - before.passed,
            rate_limited: self.rate_limited - before.rate_limited,
            banned: self.banned - before.banned,
        }
    }

    const fn all(&self) -> u64 {
        self.passed + self.rate_limited + self.banned
    }
}
