//! The packet of the story, byte for byte as its capture shows it: 66 bytes,
//! source port 80, `Win=8192 MSS=1460 WS=256 SACK_PERM=1`.

use std::net::IpAddr;

use anyhow::{Result, bail};
use etherparse::TcpOptionElement::{
    self, MaximumSegmentSize, Noop, SelectiveAcknowledgementPermitted, WindowScale,
};
use etherparse::{IpHeaders, IpNumber, Ipv4Header, Ipv6Header, PacketBuilder, VlanId};

/// The constant source port of the flood.
pub const SOURCE_PORT: u16 = 80;
/// The constant window.
pub const WINDOW: u16 = 8192;
/// The maximum segment size it announces.
pub const MSS: u16 = 1460;
/// The window scale: a factor of 256.
pub const SCALE: u8 = 8;

/// What may differ from the packet of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dress {
    /// VLAN identifiers, outermost first: none, one (802.1Q) or two (QinQ).
    pub vlans: [Option<u16>; 2],
    /// Sets ECE and CWR, as a client that offers ECN does and as floods do.
    pub ecn: bool,
}

impl Dress {
    /// As in the story.
    pub const PLAIN: Self = Self {
        vlans: [None, None],
        ecn: false,
    };
}

/// Between which interfaces the frame travels.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The sender's hardware address.
    pub from: [u8; 6],
    /// The receiver's.
    pub to: [u8; 6],
}

/// Builds one SYN as a complete frame, checksums included.
///
/// # Errors
/// When the addresses are of different families or a VLAN does not exist.
pub fn build(
    link: Link,
    dress: Dress,
    source: IpAddr,
    destination: IpAddr,
    port: u16,
    sequence: u32,
) -> Result<Vec<u8>> {
    let ip = ip_headers(source, destination)?;
    let ethernet = PacketBuilder::ethernet2(link.from, link.to);
    let packet = match dress.vlans {
        [None, _] => ethernet.ip(ip),
        [Some(tag), None] => ethernet.single_vlan(VlanId::try_new(tag)?).ip(ip),
        [Some(outer), Some(inner)] => ethernet
            .double_vlan(VlanId::try_new(outer)?, VlanId::try_new(inner)?)
            .ip(ip),
    };
    let mut tcp = packet
        .tcp(SOURCE_PORT, port, sequence, WINDOW)
        .syn()
        .options(&OPTIONS)?;
    if dress.ecn {
        tcp = tcp.ece().cwr();
    }
    let mut frame = Vec::with_capacity(tcp.size(0));
    tcp.write(&mut frame, &[])?;
    Ok(frame)
}

const OPTIONS: [TcpOptionElement; 6] = [
    MaximumSegmentSize(MSS),
    Noop,
    WindowScale(SCALE),
    Noop,
    Noop,
    SelectiveAcknowledgementPermitted,
];

/// The lengths and the checksum are filled in when the packet is written.
fn ip_headers(source: IpAddr, destination: IpAddr) -> Result<IpHeaders> {
    const HOPS: u8 = 64;
    Ok(match (source, destination) {
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
        _ => bail!("{source} and {destination} are of different families"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{CONTAINER, VICTIMS};

    const LINK: Link = Link {
        from: [2, 0, 0, 0, 0, 1],
        to: [2, 0, 0, 0, 0, 2],
    };

    #[test]
    fn is_as_long_as_in_the_capture() {
        let [victim, _] = VICTIMS;
        let frame = build(LINK, Dress::PLAIN, victim.into(), CONTAINER.into(), 25, 0)
            .expect("a valid packet");
        assert_eq!(frame.len(), 66);
        let options = &frame[54..];
        assert_eq!(options, [2, 4, 5, 180, 1, 3, 3, 8, 1, 1, 4, 2]);
    }
}
