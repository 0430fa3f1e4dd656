//! A TCP client made by hand, at an address of the internet that nobody has: it sends
//! the very segments that a case wants, and no kernel answers for it.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use etherparse::{
    IpHeaders, IpNumber, Ipv4Header, Ipv6Header, NetSlice, PacketBuilder, SlicedPacket,
    TransportSlice, VlanId,
};

use crate::address::hardware;
use crate::namespace::Namespace;
use crate::packet_socket::PacketSocket;
use crate::topology::{PROVIDER_END, Topology};
use crate::wait;

/// The window of all that it sends.
const WINDOW: u16 = 64_240;

/// What to send, or what came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segment {
    /// SYN.
    pub syn: bool,
    /// The acknowledgement number, with ACK.
    pub ack: Option<u32>,
    /// RST.
    pub rst: bool,
    /// The sequence number.
    pub sequence: u32,
    /// As in the header.
    pub options: Vec<u8>,
    /// The data.
    pub payload: Vec<u8>,
    /// VLAN identifiers to send it with, the outermost first. Those of what came are not
    /// told.
    pub vlans: [Option<u16>; 2],
}

/// The client.
#[derive(Debug)]
pub struct Handmade {
    sender: PacketSocket,
    receiver: PacketSocket,
    from: SocketAddr,
    to: SocketAddr,
}

impl Handmade {
    /// One that talks to a server of its family.
    pub fn new(topology: &Topology, from: SocketAddr, to: SocketAddr) -> Result<Self> {
        let internet: &Namespace = &topology.internet;
        Ok(Self {
            sender: PacketSocket::sender(internet, PROVIDER_END)?,
            receiver: PacketSocket::receiver(internet, PROVIDER_END)?,
            from,
            to,
        })
    }

    /// Sends a segment.
    pub fn send(&self, segment: &Segment) -> Result<()> {
        let frame = self.frame(segment)?;
        wait::until_true("room for a frame", wait::GENEROUS, || {
            self.sender
                .send_all(std::slice::from_ref(&frame))
                .is_ok_and(|taken| taken == 1)
        })
    }

    /// The next segment from the server that is as wanted; others are passed over.
    ///
    /// # Errors
    /// When none comes.
    pub fn expect(&self, what: &str, wanted: impl Fn(&Segment) -> bool) -> Result<Segment> {
        let mut buffer = vec![0; 1 << 16];
        wait::until(what, wait::GENEROUS, || {
            loop {
                match self.receiver.receive(&mut buffer) {
                    Ok(Some(frame)) => {
                        if let Some(segment) = self.parse(frame).filter(&wanted) {
                            return Some(Ok(segment));
                        }
                    }
                    Ok(None) => return None,
                    Err(error) => return Some(Err(error)),
                }
            }
        })?
        .context("cannot receive")
    }

    fn frame(&self, segment: &Segment) -> Result<Vec<u8>> {
        let (from, to) = (self.from.port(), self.to.port());
        let ethernet = PacketBuilder::ethernet2(hardware::PROVIDER.0, hardware::UPLINK.0);
        let ip = self.headers()?;
        let packet = match segment.vlans {
            [None, _] => ethernet.ip(ip),
            [Some(tag), None] => ethernet.single_vlan(VlanId::try_new(tag)?).ip(ip),
            [Some(outer), Some(inner)] => ethernet
                .double_vlan(VlanId::try_new(outer)?, VlanId::try_new(inner)?)
                .ip(ip),
        };
        let mut tcp = packet
            .tcp(from, to, segment.sequence, WINDOW)
            .options_raw(&segment.options)?;
        if segment.syn {
            tcp = tcp.syn();
        }
        if segment.rst {
            tcp = tcp.rst();
        }
        if let Some(number) = segment.ack {
            tcp = tcp.ack(number);
        }
        let mut frame = Vec::new();
        tcp.write(&mut frame, &segment.payload)?;
        Ok(frame)
    }

    fn headers(&self) -> Result<IpHeaders> {
        const HOPS: u8 = 64;
        Ok(match (self.from.ip(), self.to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let (from, to) = (from.octets(), to.octets());
                let header = Ipv4Header::new(0, HOPS, IpNumber::TCP, from, to)?;
                IpHeaders::Ipv4(header, Default::default())
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let header = Ipv6Header {
                    next_header: IpNumber::TCP,
                    hop_limit: HOPS,
                    source: from.octets(),
                    destination: to.octets(),
                    ..Default::default()
                };
                IpHeaders::Ipv6(header, Default::default())
            }
            pair => anyhow::bail!("of different families: {pair:?}"),
        })
    }

    /// Nothing where it is not from the server to this client.
    fn parse(&self, frame: &[u8]) -> Option<Segment> {
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
        let ours = SocketAddr::new(source, tcp.source_port()) == self.to
            && SocketAddr::new(destination, tcp.destination_port()) == self.from;
        ours.then(|| Segment {
            syn: tcp.syn(),
            ack: tcp.ack().then(|| tcp.acknowledgment_number()),
            rst: tcp.rst(),
            sequence: tcp.sequence_number(),
            options: tcp.options().to_vec(),
            payload: tcp.payload().to_vec(),
            vlans: [None; 2],
        })
    }
}
