//! The story, told with real programs and without touching a real interface:
//! a home server behind a 1 Mbit/s uplink, two spoofed sources, and what
//! changes once SynGuard is attached. Progress goes to stderr, the table to
//! stdout.

mod measure;
mod table;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::address::{CONTAINER, VICTIMS};
use crate::capture::Capture;
use crate::controller::Controller;
use crate::flood::{Flood, Plan};
use crate::lab::Lab;
use crate::sender::{self, Sender};
use crate::topology::{CONTAINER_END, Topology};
use crate::wait;

use measure::{Meter, Phase};

/// SYNs per second, both sources and all ports together.
const RATE: u32 = 4_300;
/// More than the story takes; the flood is stopped, not run out.
const PACKETS: u32 = RATE * 45;
/// The uplink of a home line, and a box in front of it that buffers this much.
const UPLINK: &str = "1mbit";
const BUFFER_SECONDS: u32 = 6;
const BUFFER_BYTES: u64 = BUFFER_SECONDS as u64 * 1_000_000 / 8;

/// Runs the whole story and prints the table.
///
/// # Errors
/// When the lab cannot be built, when SynGuard fails, or on Ctrl-C. In each
/// case everything is cleaned up before this returns.
pub fn run() -> Result<()> {
    say("Building a home network of three namespaces, with nginx and postfix in a container.");
    let lab = Lab::new()?;
    let topology = &lab.topology;
    prepare(topology)?;
    let lone = LoneSyn::send(topology)?;
    say("A quiet evening: clients fetch pages and send mail.");
    let quiet = measure::phase(topology, &Meter::start(topology)?)?;
    let (flood, before) = under_attack(topology)?;
    let lone = lone.count();

    say(&format!("synguard attach {}", topology.uplink));
    let attached = Instant::now();
    let controller = lab.synguard.attach(&[])?;
    show_promotions(&controller)?;
    wait_for_empty_uplink(topology)?;
    let recovery = attached.elapsed();
    say("The uplink is free again. The same clients, while the flood goes on:");
    let after = measure::phase(topology, &Meter::start(topology)?)?;
    let status = lab.synguard.status()?;
    say("Detaching and cleaning up.");
    flood.stop();
    controller.terminate()?;
    table::print(&table::Story {
        quiet,
        before,
        after,
        recovery,
        lone,
        status,
    });
    Ok(())
}

/// The flood goes on after this.
fn under_attack(topology: &Topology) -> Result<(Flood, Phase)> {
    let [first, second] = VICTIMS;
    say(&format!(
        "The flood: hping3, {RATE} SYN/s from source port 80 to 25, 80 and 443, \
         spoofed as {first} and {second}."
    ));
    let meter = Meter::start(topology)?;
    let flood = Flood::start(topology, &Plan::seed(RATE, PACKETS))?;
    say("The SYN-ACKs fill the uplink; then the same clients try again.");
    wait_for_full_uplink(topology)?;
    Ok((flood, measure::phase(topology, &meter)?))
}

fn prepare(topology: &Topology) -> Result<()> {
    topology.slow_uplink(UPLINK, BUFFER_SECONDS)?;
    // The story's kernels, 3.2 and 3.16, answered every copy of a SYN. Since
    // Linux 4.0 a copy of a half-open one is answered at most twice a second.
    topology.container.sysctl("ipv4/tcp_invalid_ratelimit", "0")
}

fn wait_for_full_uplink(topology: &Topology) -> Result<()> {
    wait::until_true("a full uplink", wait::GENEROUS, || {
        topology
            .uplink_backlog()
            .is_ok_and(|bytes| bytes > BUFFER_BYTES * 9 / 10)
    })
}

fn wait_for_empty_uplink(topology: &Topology) -> Result<()> {
    wait::until_true("a free uplink", wait::GENEROUS, || {
        topology.uplink_backlog().is_ok_and(|bytes| bytes == 0)
    })
}

fn show_promotions(controller: &Controller) -> Result<()> {
    for victim in VICTIMS {
        let line = controller.wait_for(&format!("promoted {victim}"))?;
        eprintln!("    {}", line.text);
    }
    Ok(())
}

/// One SYN that nobody follows up: how often is it answered? Counted where the
/// answers are made, because the full uplink loses some of them.
struct LoneSyn {
    answers: Capture,
    sent: Instant,
}

impl LoneSyn {
    const SOURCE: std::net::Ipv4Addr = std::net::Ipv4Addr::new(203, 0, 113, 7);

    fn send(topology: &Topology) -> Result<Self> {
        let answers = Capture::start(&topology.container, CONTAINER_END, |segment| {
            segment.answers() && segment.destination == Self::SOURCE
        })?;
        let plan = sender::Plan {
            sources: vec![Self::SOURCE.into()],
            destination: CONTAINER.into(),
            dress: Default::default(),
            per_second: 1,
            packets: 1,
        };
        Sender::start(topology, &plan)?
            .finish()
            .context("cannot send a single SYN")?;
        Ok(Self {
            answers,
            sent: Instant::now(),
        })
    }

    fn count(self) -> (u64, Duration) {
        (self.answers.count(), self.sent.elapsed())
    }
}

fn say(words: &str) {
    eprintln!("==> {words}");
}
