//! Sends the exact packet of the story, or a variant of it, through a packet
//! socket: for what hping3 cannot do (window scale, SACK, IPv6, VLAN tags).

use std::net::IpAddr;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::address::{PORTS, hardware};
use crate::packet_socket::PacketSocket;
use crate::seed_packet::{self, Dress, Link};
use crate::topology::{PROVIDER_END, Topology};
use crate::wait;

/// No flood of the lab is faster or longer than this.
const MAX_PER_SECOND: u32 = 20_000;
const MAX_PACKETS: u64 = 500_000;

/// A flood to be sent.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The spoofed sources, taken in turn.
    pub sources: Vec<IpAddr>,
    /// The address under attack.
    pub destination: IpAddr,
    /// Tags and flags.
    pub dress: Dress,
    /// Of all sources together.
    pub per_second: u32,
    /// When to stop.
    pub packets: u64,
}

/// A flood under way; dropping it ends it.
#[derive(Debug)]
pub struct Sender {
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Sender {
    /// Starts to send from `internet` into the uplink, each source to the
    /// ports 25, 80 and 443 in turn.
    ///
    /// # Errors
    /// When the plan goes beyond the lab's bounds.
    pub fn start(topology: &Topology, plan: &Plan) -> Result<Self> {
        ensure!(
            (1..=MAX_PER_SECOND).contains(&plan.per_second) && plan.packets <= MAX_PACKETS,
            "a flood beyond the lab's bounds: {plan:?}"
        );
        let frames = frames(plan)?;
        let socket = PacketSocket::sender(&topology.internet, PROVIDER_END)?;
        let (per_second, packets) = (plan.per_second, plan.packets);
        let sent = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (counter, end) = (Arc::clone(&sent), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            for (number, frame) in (0..packets).zip(frames.iter().cycle()) {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                keep_pace(start, number, per_second);
                let taken = send_one(&socket, slice::from_ref(frame), &end)?;
                counter.fetch_add(taken, Ordering::Relaxed);
            }
            Ok(())
        });
        Ok(Self {
            sent,
            stop,
            thread: Some(thread),
        })
    }

    /// How many frames have been sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether it has come to its end, or can go on no longer.
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Lets the flood run to its end.
    pub fn finish(mut self) -> Result<u64> {
        self.join()?;
        Ok(self.sent())
    }

    /// Ends the flood now and gives the number of frames sent.
    pub fn stop(mut self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.join()?;
        Ok(self.sent())
    }

    fn join(&mut self) -> Result<()> {
        match self.thread.take() {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => Ok(()),
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.join();
    }
}

/// Sends a frame once the interface has room for it, which on a busy machine may
/// take a moment. Gives 0 where the flood is to end before.
fn send_one(socket: &PacketSocket, frame: &[Vec<u8>], end: &AtomicBool) -> Result<u64> {
    let give_up = Instant::now() + wait::GENEROUS;
    loop {
        let taken = socket.send_all(frame).context("cannot send a frame")?;
        if taken != 0 || end.load(Ordering::Relaxed) {
            return Ok(taken);
        }
        ensure!(
            Instant::now() < give_up,
            "the interface has no room for a frame"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sleeps until packet `number` is due; behind schedule it does not sleep.
pub fn keep_pace(start: Instant, number: u64, per_second: u32) {
    let due = start + Duration::from_micros(number * 1_000_000 / u64::from(per_second));
    let early = due.saturating_duration_since(Instant::now());
    if !early.is_zero() {
        std::thread::sleep(early);
    }
}

/// One frame for each source and port. The sequence number is constant: it is
/// one packet, replayed.
fn frames(plan: &Plan) -> Result<Vec<Vec<u8>>> {
    let link = Link {
        from: hardware::PROVIDER.0,
        to: hardware::UPLINK.0,
    };
    let mut frames = Vec::new();
    for port in PORTS {
        for &source in &plan.sources {
            let frame = seed_packet::build(link, plan.dress, source, plan.destination, port, 0)?;
            frames.push(frame);
        }
    }
    ensure!(!frames.is_empty(), "a flood needs a source");
    Ok(frames)
}
