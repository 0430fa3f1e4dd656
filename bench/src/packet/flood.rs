//! Packets of which each has a source that was never seen before: `spoof` in
//! front of the program under test changes it.
//!
//! What `spoof` itself costs is measured in front of a program that only drops,
//! and taken off: the numbers are then those of the program alone.

use std::net::Ipv4Addr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use synguard::counters::Counters;
use synguard_common::verdict::Reason;

use super::filter::{Filter, Load};
use crate::frames::Segment;
use crate::kernel::{self, Action, Programs};
use crate::names::{scenario, subject as who};
use crate::rounds::Case;

/// Packets between two looks at the clock.
const BATCH: u32 = 200_000;
/// SynGuard makes records for the first new sources in every epoch of about a
/// second, and leaves the others to its sketch: a sample has both, in the
/// proportion of a flood at full speed.
pub const EPOCH: Duration = Duration::from_millis(1024);

pub fn cases<'a>(programs: &'a Programs, filters: &'a [Filter]) -> Result<Vec<Case<'a>>> {
    let mut cases = vec![naive(programs)?];
    for filter in filters {
        if !matches!(filter.load(), Load::OneRule | Load::Able) {
            cases.push(of_filter(programs, filter, Kind::Spoofed)?);
        }
        cases.push(of_filter(programs, filter, Kind::Scattered)?);
    }
    Ok(cases)
}

/// The naive counter gave every source an entry of its own.
pub fn check(programs: &Programs) -> Result<()> {
    let (known, most) = programs.counted()?;
    ensure!(
        known > 32_000 && most == 1,
        "the naive counter knows {known} sources and saw one {most} times: \
         the flood was not spoofed"
    );
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    /// SYNs: they are counted.
    Spoofed,
    /// Of open connections: only the rules are looked at.
    Scattered,
}

impl Kind {
    const fn scenario(self) -> &'static str {
        match self {
            Self::Spoofed => scenario::SPOOFED,
            Self::Scattered => scenario::SCATTERED,
        }
    }

    fn frame(self) -> Result<Vec<u8>> {
        let segment = match self {
            Self::Spoofed => Segment::Syn,
            Self::Scattered => Segment::Ack,
        };
        super::frame(segment, Ipv4Addr::UNSPECIFIED.into())
    }
}

fn naive(programs: &Programs) -> Result<Case<'_>> {
    let frame = Kind::Spoofed.frame()?;
    let program = programs.fd("lru_count")?;
    let measure = move || {
        let (cost, _) = beyond(programs, "spoof", program, &frame, Duration::ZERO)?;
        Ok(cost)
    };
    Ok(Case::new(who::NAIVE, scenario::SPOOFED, measure))
}

fn of_filter<'a>(programs: &'a Programs, filter: &'a Filter, kind: Kind) -> Result<Case<'a>> {
    let frame = kind.frame()?;
    let program = filter.program()?;
    let least = match kind {
        Kind::Spoofed => EPOCH,
        Kind::Scattered => Duration::ZERO,
    };
    let measure = move || {
        let before = filter.counters()?;
        let (cost, packets) = beyond(programs, "spoof", program, &frame, least)?;
        check_sources(kind, &before, &filter.counters()?, packets)?;
        Ok(cost)
    };
    Ok(Case::new(filter.load().subject(), kind.scenario(), measure))
}

/// Few sources may have had a record before, and few may be on a list.
fn check_sources(kind: Kind, before: &Counters, after: &Counters, packets: u64) -> Result<()> {
    let moved = |reason: Reason| after.of(reason) - before.of(reason);
    let blocked = moved(Reason::DroppedRule) + moved(Reason::DroppedAll);
    let (right, rate) = match kind {
        Kind::Spoofed => (
            moved(Reason::SynSketched) + moved(Reason::SynCounted),
            moved(Reason::DroppedRate) + moved(Reason::SynBusy),
        ),
        Kind::Scattered => (moved(Reason::NotSyn), 0),
    };
    ensure!(
        right + blocked == packets && rate == 0 && blocked < packets / 10,
        "of {packets} packets {right} were counted as they should, {blocked} blocked"
    );
    Ok(())
}

/// Nanoseconds per packet of `program` behind the one with the name `front`, whose own
/// are taken off, and how many packets there were.
pub fn beyond(
    programs: &Programs,
    front: &str,
    program: BorrowedFd<'_>,
    frame: &[u8],
    least: Duration,
) -> Result<(f64, u64)> {
    let front = programs.fd(front)?;
    let drop_all = programs.fd("drop_all")?;
    // Its own verdict shows that the call came through: XDP_ABORTED is neither.
    programs.put_under_test(drop_all)?;
    let own = run(front, frame, Duration::ZERO)?.0;
    programs.put_under_test(program)?;
    let (with, packets) = run(front, frame, least)?;
    let bare = kernel::test_run(drop_all, frame, BATCH)?.each.as_nanos() as f64;
    Ok((with - own + bare, packets))
}

fn run(front: BorrowedFd<'_>, frame: &[u8], least: Duration) -> Result<(f64, u64)> {
    let start = Instant::now();
    let (mut sum, mut batches) = (0.0, 0_u32);
    while batches == 0 || start.elapsed() < least {
        let run = kernel::test_run(front, frame, BATCH)?;
        ensure!(
            matches!(run.action, Action::Drop | Action::Pass | Action::SendBack),
            "the program under test was not called"
        );
        sum += run.each.as_nanos() as f64;
        batches += 1;
    }
    let packets = u64::from(BATCH) * u64::from(batches);
    Ok((sum / f64::from(batches), packets))
}
