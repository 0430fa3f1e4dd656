//! A client as far away as real ones are: in a namespace of its own, behind a
//! wire on which every packet takes a while.
//!
//! On a veth alone a handshake is over before the client's `connect` returns,
//! so that no client ever has a second SYN under way; on the internet, all that
//! it opens within a round trip are without an answer at the same time.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::namespace::Namespace;
use crate::topology::Topology;
use crate::tunnel::Tunnel;

/// The client's address.
pub const FAR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
/// The same for IPv6.
pub const FAR6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xfa, 0, 0, 0, 0, 7);

/// How soon the wire notices that it is to end.
const ATTENTION: Duration = Duration::from_millis(20);

/// The client's namespace and its wire; dropping this cuts it.
#[derive(Debug)]
pub struct FarClient {
    /// Where the client's programs run.
    pub namespace: Namespace,
    stop: Arc<AtomicBool>,
    directions: Vec<JoinHandle<io::Result<()>>>,
}

impl FarClient {
    /// A client whose packets are under way for half of `round_trip` in either
    /// direction.
    pub fn new(topology: &Topology, round_trip: Duration) -> Result<Self> {
        let namespace = Namespace::new("far client")?;
        let near = Tunnel::new(&topology.internet, c"far0")?;
        let far = Tunnel::new(&namespace, c"home0")?;
        address(&namespace, topology)?;
        let stop = Arc::new(AtomicBool::new(false));
        let delay = round_trip / 2;
        let direction = |mut from: Tunnel, mut to: Tunnel| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || carry(&mut from, &mut to, delay, &stop))
        };
        let directions = vec![direction(near.share()?, far.share()?), direction(far, near)];
        Ok(Self {
            namespace,
            stop,
            directions,
        })
    }
}

impl Drop for FarClient {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for direction in self.directions.drain(..) {
            let _ = direction.join();
        }
    }
}

/// `internet` now forwards to the client, and still drops silently what is for
/// anybody else.
fn address(client: &Namespace, topology: &Topology) -> Result<()> {
    client.batch(&[
        format!("address add {FAR}/32 dev home0"),
        format!("address add {FAR6}/128 dev home0 nodad"),
        "route add default dev home0".to_owned(),
        "route add ::/0 dev home0".to_owned(),
    ])?;
    topology.internet.sysctl("ipv4/ip_forward", "1")?;
    topology.internet.sysctl("ipv6/conf/all/forwarding", "1")?;
    topology.internet.batch(&[
        "route add blackhole default".to_owned(),
        "route add blackhole ::/0".to_owned(),
        format!("route add {FAR}/32 dev far0"),
        format!("route add {FAR6}/128 dev far0"),
    ])
}

/// Carries packets one way until told to stop, each `delay` after it came.
fn carry(from: &mut Tunnel, to: &mut Tunnel, delay: Duration, stop: &AtomicBool) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    let mut under_way: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    while !stop.load(Ordering::Relaxed) {
        wait_for_packet(from, under_way.front().map(|(due, _)| *due))?;
        while let Some(packet) = from.receive(&mut buffer)? {
            under_way.push_back((Instant::now() + delay, packet.to_vec()));
        }
        while let Some((_, packet)) = under_way.pop_front_if(|(due, _)| *due <= Instant::now()) {
            to.send(&packet)?;
        }
    }
    Ok(())
}

/// Returns when a packet has come, or when one is due.
fn wait_for_packet(from: &Tunnel, due: Option<Instant>) -> io::Result<()> {
    let until_due = due.map(|due| due.saturating_duration_since(Instant::now()));
    let patience = until_due.unwrap_or(ATTENTION).min(ATTENTION);
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(from, PollFlags::IN)], Some(&patience)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
