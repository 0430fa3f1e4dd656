//! Counts TCP segments as they pass an interface, on a thread of its own.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use anyhow::{Result, bail, ensure};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use crate::namespace::Namespace;
use crate::packet_socket::PacketSocket;

/// What a capture looks at.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// Where it says it comes from.
    pub source: IpAddr,
    /// Where it goes.
    pub destination: IpAddr,
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The SYN flag.
    pub syn: bool,
    /// The ACK flag.
    pub ack: bool,
}

impl Segment {
    /// True for the first segment of a handshake.
    pub fn opens(&self) -> bool {
        self.syn && !self.ack
    }

    /// True for the second.
    pub fn answers(&self) -> bool {
        self.syn && self.ack
    }

    /// Reads a frame; `None` for what is not TCP over IP.
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let packet = SlicedPacket::from_ethernet(frame).ok()?;
        let (source, destination): (IpAddr, IpAddr) = match packet.net? {
            NetSlice::Ipv4(ip) => {
                let header = ip.header();
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                )
            }
            NetSlice::Ipv6(ip) => {
                let header = ip.header();
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                )
            }
            NetSlice::Arp(_) => return None,
        };
        let Some(TransportSlice::Tcp(tcp)) = packet.transport else {
            return None;
        };
        Some(Self {
            source,
            destination,
            source_port: tcp.source_port(),
            destination_port: tcp.destination_port(),
            syn: tcp.syn(),
            ack: tcp.ack(),
        })
    }
}

/// A running count. Dropping it ends the thread.
#[derive(Debug)]
pub struct Capture {
    count: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<u32>>>,
}

impl Capture {
    /// Counts the segments that pass `interface`, in either direction, and
    /// that `wanted` picks. Every frame from the return of this function on is
    /// looked at.
    pub fn start(
        namespace: &Namespace,
        interface: &str,
        wanted: impl Fn(&Segment) -> bool + Send + 'static,
    ) -> Result<Self> {
        let socket = PacketSocket::receiver(namespace, interface)?;
        let count = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (counter, end) = (Arc::clone(&count), Arc::clone(&stop));
        let thread = std::thread::spawn(move || watch(&socket, &wanted, &counter, &end));
        Ok(Self {
            count,
            stop,
            thread: Some(thread),
        })
    }

    /// How many so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Works off what the kernel still holds, ends, and gives the total.
    ///
    /// # Errors
    /// When the kernel lost frames, so that the count would be too low.
    pub fn finish(mut self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else {
            bail!("the capture has already ended");
        };
        let lost = thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        ensure!(lost == 0, "the capture lost {lost} frames");
        Ok(self.count())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads until told to stop, then what is queued; gives the frames lost.
fn watch(
    socket: &PacketSocket,
    wanted: &impl Fn(&Segment) -> bool,
    counter: &AtomicU64,
    stop: &AtomicBool,
) -> io::Result<u32> {
    let mut buffer = vec![0; 1 << 16];
    let look_at = |frame: &[u8]| {
        if Segment::parse(frame).as_ref().is_some_and(wanted) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    };
    while !stop.load(Ordering::Relaxed) {
        socket.receive(&mut buffer)?.map(look_at);
    }
    while let Some(frame) = socket.receive_queued(&mut buffer)? {
        look_at(frame);
    }
    socket.lost()
}
