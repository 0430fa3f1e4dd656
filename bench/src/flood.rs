//! The sender: millions of frames a second into the lab's uplink, by
//! BPF_PROG_TEST_RUN with live frames. Bounded in time or in count, always.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use synguard_tests::namespace::Namespace;
use synguard_tests::topology::{PROVIDER_END, Topology};
use synguard_tests::{interrupt, wait};

use crate::cores;
use crate::kernel::{self, FRAME, Programs};

/// No flood is longer, whatever it is told.
const LONGEST: Duration = Duration::from_secs(30);
/// Frames in one run: starting one takes some 20 ms.
const RUN: u32 = 1_000_000;
/// How many frames at a time reach the receiver: what a driver polls at once
/// (NAPI_POLL_WEIGHT), or so few that the core, which waits between two frames of a
/// paced flood, is there for others again in some 30 µs.
const FULL_BATCH: u32 = 64;
const SMALL_BATCH: u32 = 8;

/// Who the frames pretend to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// One blocked source.
    One,
    /// A new source each.
    Anyone,
}

/// The sender in front of one lab's uplink.
pub struct Sender {
    internet: Namespace,
    programs: Programs,
    per_second: u32,
}

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub frames: u64,
    pub time: Duration,
    /// Of the core that sent: with what receiving cost there.
    pub busy: Duration,
}

impl Sender {
    /// Loads the programs for this lab.
    pub fn new(topology: &Topology) -> Result<Self> {
        let internet = topology.internet.clone();
        Ok(Self {
            programs: Programs::load(index(&internet, PROVIDER_END)?)?,
            internet,
            // More than any machine sends.
            per_second: 100_000_000,
        })
    }

    /// The programs, of which some are receivers.
    pub const fn programs(&mut self) -> &mut Programs {
        &mut self.programs
    }

    /// What to send from now on.
    pub fn aim(&mut self, template: &[u8; FRAME]) -> Result<()> {
        self.programs.set_template(template)
    }

    /// Frames per second from now on; as fast as it goes unless told.
    pub fn pace(&mut self, per_second: u32) -> Result<()> {
        self.per_second = per_second;
        self.programs
            .set_interval(1_000_000_000 / u64::from(per_second))
    }

    /// For `time` or a little longer.
    pub fn for_time(&self, from: From, time: Duration) -> Result<Sent> {
        ensure!(time <= LONGEST, "a flood beyond the benchmark's bounds");
        self.run(from, RUN, FULL_BATCH, |sent| sent.time < time)
    }

    /// So many frames.
    pub fn count(&self, from: From, frames: u32) -> Result<Sent> {
        ensure!(
            frames / self.per_second.max(1) < LONGEST.as_secs() as u32,
            "a flood beyond the benchmark's bounds"
        );
        self.run(from, frames, FULL_BATCH, |sent| sent.frames == 0)
    }

    /// Until told to stop, which takes half a second.
    pub fn until(&self, from: From, stop: &AtomicBool) -> Result<Sent> {
        self.run(from, self.per_second.max(2) / 2, SMALL_BATCH, |sent| {
            sent.time < LONGEST && !stop.load(Ordering::Relaxed)
        })
    }

    fn run(
        &self,
        from: From,
        frames: u32,
        batch: u32,
        go_on: impl Fn(&Sent) -> bool + Send,
    ) -> Result<Sent> {
        let program = self.programs.fd(match from {
            From::One => "send_from_one",
            From::Anyone => "send_spoofed",
        })?;
        self.internet.inside(|| {
            cores::stay_on_first()?;
            send(program, frames, batch, go_on)
        })?
    }
}

fn send(
    program: BorrowedFd<'_>,
    frames: u32,
    batch: u32,
    go_on: impl Fn(&Sent) -> bool,
) -> Result<Sent> {
    // The program writes the frame; this one only has the right length.
    let frame = [0; FRAME];
    let (start, busy) = (Instant::now(), cores::busy()?);
    let mut sent = Sent {
        frames: 0,
        time: Duration::ZERO,
        busy: Duration::ZERO,
    };
    while go_on(&sent) {
        ensure!(!interrupt::requested(), "interrupted");
        kernel::send(program, &frame, frames, batch).context("cannot send")?;
        sent.frames += u64::from(frames);
        sent.time = start.elapsed();
        sent.busy = cores::busy()? - busy;
    }
    Ok(sent)
}

/// An interface's index in its namespace.
pub fn index(namespace: &Namespace, interface: &str) -> Result<u32> {
    let shown = namespace.run("ip", &["-json", "link", "show", "dev", interface])?;
    let links: serde_json::Value = serde_json::from_str(&shown)?;
    let index = links[0]["ifindex"].as_u64().context("no index")?;
    Ok(u32::try_from(index)?)
}

/// Frames that the uplink has taken so far, once no more come.
pub fn received(topology: &Topology) -> Result<u64> {
    come_to_rest(&topology.host, &topology.uplink)
}

/// Frames that have come back from there, once no more come.
pub fn returned(topology: &Topology) -> Result<u64> {
    come_to_rest(&topology.internet, PROVIDER_END)
}

/// Frames that either end of the uplink has dropped so far, as the other had no room.
pub fn lost(topology: &Topology) -> Result<u64> {
    let there = statistic(&topology.internet, PROVIDER_END, ["tx", "dropped"])?;
    let back = statistic(&topology.host, &topology.uplink, ["tx", "dropped"])?;
    Ok(there + back)
}

fn come_to_rest(namespace: &Namespace, interface: &str) -> Result<u64> {
    let mut last = None;
    wait::until("the interface to come to rest", wait::GENEROUS, || {
        let now = statistic(namespace, interface, ["rx", "packets"]).ok()?;
        let before = last.replace(now);
        (before == Some(now)).then_some(now)
    })
}

fn statistic(namespace: &Namespace, interface: &str, [way, what]: [&str; 2]) -> Result<u64> {
    let words = ["-json", "-statistics", "link", "show", "dev", interface];
    let links: serde_json::Value = serde_json::from_str(&namespace.run("ip", &words)?)?;
    links[0]["stats64"][way][what]
        .as_u64()
        .with_context(|| format!("ip shows no {what} of {way}"))
}
