//! Packets per second, and what each costs.

use std::time::Duration;

use anyhow::{Result, ensure};
use synguard_tests::address::CONTAINER;
use synguard_tests::address::hardware::{self, Hardware};

use super::receiver::{Bench, Kind};
use crate::flood::{self, From};
use crate::frames;
use crate::lists::BLOCKED;
use crate::names::{self, scenario};
use crate::report::Results;
use crate::rounds::{self, Case};
use crate::stats::Summary;

const SAMPLE: Duration = Duration::from_millis(700);
const PORT: u16 = 443;

/// The first one is the scale of the others' cost.
const BLOCKING: [Kind; 5] = [
    Kind::Program("drop_all"),
    Kind::Synguard,
    Kind::XdpFilter,
    Kind::Nft,
    Kind::Iptables,
];
const COUNTING: [Kind; 3] = [
    Kind::Program("pass_all"),
    Kind::Synguard,
    Kind::Program("lru_count"),
];

/// Passed packets go to nobody, so that the kernel throws them away at once.
const NOBODY: Hardware = Hardware([2, 0, 0, 0, 0, 99]);

pub fn measure(rounds: u16, results: &mut Results) -> Result<()> {
    eprintln!("==> Flood over veth: setting up");
    let blocking = set_up(&BLOCKING, From::One, results)?;
    let counting = set_up(&COUNTING, From::Anyone, results)?;
    let mut cases = Vec::new();
    cases.extend(blocking.iter().map(|bench| case(bench, From::One)));
    cases.extend(counting.iter().map(|bench| case(bench, From::Anyone)));

    eprintln!("==> Flood over veth: measuring");
    rounds::interleave(&mut cases, rounds)?;
    rounds::report(&cases, names::RATE, "packets/s", results);
    let (blocking, counting) = cases.split_at(blocking.len());
    costs(blocking, results);
    costs(counting, results);
    Ok(())
}

fn set_up(kinds: &[Kind], from: From, results: &mut Results) -> Result<Vec<Bench>> {
    let template = match from {
        From::One => frames::from_one(hardware::UPLINK, BLOCKED, CONTAINER, PORT)?,
        From::Anyone => frames::spoofed(NOBODY, CONTAINER, PORT)?,
    };
    let mut benches = Vec::new();
    for kind in kinds {
        match Bench::new(*kind) {
            Ok(mut bench) => {
                bench.sender.aim(&template)?;
                benches.push(bench);
            }
            Err(error) => results.lacks(format!("{error:#}")),
        }
    }
    Ok(benches)
}

fn case(bench: &Bench, from: From) -> Case<'_> {
    let scenario = match from {
        From::One => scenario::BLOCKED,
        From::Anyone => scenario::SPOOFED,
    };
    Case::new(bench.kind.subject(), scenario, move || rate(bench, from))
}

/// Packets per second that the receiver took.
fn rate(bench: &Bench, from: From) -> Result<f64> {
    let received = flood::received(&bench.topology)?;
    let dropped = bench.dropped()?;
    let sent = bench.sender.for_time(from, SAMPLE)?;
    let received = flood::received(&bench.topology)? - received;
    // The time of lost frames would be charged to those that came through.
    ensure!(
        received * 10 > sent.frames * 9,
        "of {} frames only {received} came through",
        sent.frames
    );
    if let (Some(before), Some(after), From::One) = (dropped, bench.dropped()?, from) {
        ensure!(
            (after - before) * 100 > received * 99,
            "of {received} packets only {} were dropped",
            after - before
        );
    }
    Ok(received as f64 / sent.time.as_secs_f64())
}

/// Sender and receiver share a core, so what a receiver adds to the time of a
/// packet is what it costs.
fn costs(cases: &[Case<'_>], results: &mut Results) {
    let Some((scale, others)) = cases.split_first() else {
        return;
    };
    for case in others {
        let pairs = case.samples().iter().zip(scale.samples());
        let costs: Vec<_> = pairs
            .map(|(rate, scale)| 1e9 / rate - 1e9 / scale)
            .collect();
        if let Some(summary) = Summary::of(&costs) {
            results.add(names::COST, &case.subject, &case.scenario, "ns", summary);
        }
    }
}
