//! Echo requests, as the owner's `ping` that showed 6,000 ms and 50 % loss.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto};

use crate::interrupt;
use crate::namespace::Namespace;

const ECHO_REQUEST: u8 = 8;
const ECHO_REQUEST6: u8 = 128;
const INTERVAL: Duration = Duration::from_millis(50);
/// As long as what ping sends when it says "64 bytes".
const LENGTH: usize = 64;

/// What came back.
#[derive(Debug, Clone, Default)]
pub struct Pings {
    /// How many were sent.
    pub sent: usize,
    /// The round trip of each that came back, shortest first.
    pub times: Vec<Duration>,
}

impl Pings {
    /// The share that did not come back, in percent.
    pub fn loss_percent(&self) -> usize {
        let lost = self.sent - self.times.len();
        (lost * 100).checked_div(self.sent).unwrap_or_default()
    }

    /// The median round trip.
    pub fn median(&self) -> Option<Duration> {
        self.times.get(self.times.len() / 2).copied()
    }
}

/// Sends `count` echo requests and waits for the answers, at most `patience`
/// after the last.
///
/// # Errors
/// When the namespace does not let us ping.
pub fn run(from: &Namespace, to: IpAddr, count: u16, patience: Duration) -> Result<Pings> {
    from.sysctl("ipv4/ping_group_range", "0 0")?;
    let socket = from
        .inside(|| open(to))?
        .context("cannot open a ping socket")?;
    let mut sent = Vec::new();
    let mut pings = Pings::default();
    let mut last = Instant::now();
    for number in 0..count {
        rustix::net::send(&socket, &request(to, number), SendFlags::empty())?;
        last = Instant::now();
        sent.push(last);
        collect(&socket, &sent, &mut pings, last + INTERVAL)?;
    }
    collect(&socket, &sent, &mut pings, last + patience)?;
    pings.sent = sent.len();
    pings.times.sort();
    Ok(pings)
}

fn open(to: IpAddr) -> io::Result<OwnedFd> {
    let (family, protocol) = match to {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    let (kind, flags) = (SocketType::DGRAM, SocketFlags::CLOEXEC);
    let socket = rustix::net::socket_with(family, kind, flags, Some(protocol))?;
    rustix::net::connect(&socket, &SocketAddr::new(to, 0))?;
    Ok(socket)
}

/// The kernel fills in the identifier and the checksum.
fn request(to: IpAddr, number: u16) -> [u8; LENGTH] {
    let mut message = [0; LENGTH];
    message[0] = if to.is_ipv4() {
        ECHO_REQUEST
    } else {
        ECHO_REQUEST6
    };
    message[6..8].copy_from_slice(&number.to_be_bytes());
    message
}

/// Takes answers until `deadline`, or until every request has one.
fn collect(socket: &OwnedFd, sent: &[Instant], pings: &mut Pings, deadline: Instant) -> Result<()> {
    let all = sent.len();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // While more are to be sent, the pace matters even if all came back.
        if left.is_zero() || interrupt::requested() {
            return Ok(());
        }
        if pings.times.len() == all && left > INTERVAL {
            return Ok(());
        }
        set_socket_timeout(socket, Timeout::Recv, Some(left.min(INTERVAL)))?;
        let mut answer = [0; LENGTH];
        match rustix::net::recv(socket, &mut answer, RecvFlags::empty()) {
            Ok(_) => {
                let number = u16::from_be_bytes([answer[6], answer[7]]);
                let start = sent.get(usize::from(number));
                pings.times.extend(start.map(Instant::elapsed));
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
