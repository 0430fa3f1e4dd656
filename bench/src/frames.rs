//! The frames of the benchmark, as short as Ethernet allows, checksums included.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Result, bail};
use etherparse::TcpOptionElement::{
    MaximumSegmentSize, Noop, SelectiveAcknowledgementPermitted, Timestamp, WindowScale,
};
use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep};
use synguard_tests::address::hardware::{self, Hardware};

use crate::kernel::{FRAME, SYN};

const WINDOW: u16 = 64_240;
const MSS: u16 = 1460;
/// Where clients come from.
const CLIENT_PORT: u16 = 40_000;
const HOPS: u8 = 64;

/// What a frame carries.
#[derive(Clone, Copy, Debug)]
pub enum Segment {
    /// A TCP segment that opens a connection.
    Syn,
    /// One of an open connection.
    Ack,
    /// No TCP.
    Udp,
}

/// A frame that the packet path is to judge.
pub fn build(segment: Segment, from: IpAddr, to: IpAddr, port: u16) -> Result<Vec<u8>> {
    frame(segment, hardware::UPLINK, from, to, CLIENT_PORT, port)
}

/// What the senders fill in: it has zeros where they put a source.
pub fn spoofed(receiver: Hardware, to: Ipv4Addr, port: u16) -> Result<[u8; FRAME]> {
    let nobody = Ipv4Addr::UNSPECIFIED.into();
    let frame = frame(Segment::Syn, receiver, nobody, to.into(), CLIENT_PORT, port)?;
    fixed(&frame)
}

/// A SYN as Linux sends it, with zeros where a source is to be put.
pub fn question(to: Ipv4Addr, port: u16) -> Result<[u8; SYN]> {
    let options = [
        MaximumSegmentSize(MSS),
        SelectiveAcknowledgementPermitted,
        Timestamp(1, 0),
        Noop,
        WindowScale(7),
    ];
    let mut frame = Vec::with_capacity(SYN);
    ip(hardware::UPLINK, Ipv4Addr::UNSPECIFIED.into(), to.into())?
        .tcp(CLIENT_PORT, port, 0, WINDOW)
        .syn()
        .options(&options)?
        .write(&mut frame, &[])?;
    Ok(frame.as_slice().try_into()?)
}

/// What the senders fill in: it has zeros where they put a port.
pub fn from_one(
    receiver: Hardware,
    from: Ipv4Addr,
    to: Ipv4Addr,
    port: u16,
) -> Result<[u8; FRAME]> {
    let frame = frame(Segment::Syn, receiver, from.into(), to.into(), 0, port)?;
    fixed(&frame)
}

fn frame(
    segment: Segment,
    receiver: Hardware,
    from: IpAddr,
    to: IpAddr,
    source_port: u16,
    port: u16,
) -> Result<Vec<u8>> {
    let packet = ip(receiver, from, to)?;
    let mut frame = Vec::with_capacity(FRAME);
    match segment {
        Segment::Syn => packet
            .tcp(source_port, port, 0, WINDOW)
            .syn()
            .options(&[MaximumSegmentSize(MSS)])?
            .write(&mut frame, &[])?,
        Segment::Ack => packet
            .tcp(source_port, port, 0, WINDOW)
            .ack(1)
            .write(&mut frame, &[])?,
        Segment::Udp => packet.udp(source_port, port).write(&mut frame, b"hello")?,
    }
    if frame.len() < FRAME {
        frame.resize(FRAME, 0);
    }
    Ok(frame)
}

fn ip(receiver: Hardware, from: IpAddr, to: IpAddr) -> Result<PacketBuilderStep<IpHeaders>> {
    let ethernet = PacketBuilder::ethernet2(hardware::PROVIDER.0, receiver.0);
    Ok(match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ethernet.ipv4(from.octets(), to.octets(), HOPS),
        (IpAddr::V6(from), IpAddr::V6(to)) => ethernet.ipv6(from.octets(), to.octets(), HOPS),
        _ => bail!("{from} and {to} are of different families"),
    })
}

fn fixed(frame: &[u8]) -> Result<[u8; FRAME]> {
    Ok(frame.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    const SERVER: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 2);

    #[test]
    fn templates_have_zeros_where_the_senders_write() {
        let spoofed = spoofed(hardware::UPLINK, SERVER, 80).unwrap();
        assert_eq!(spoofed[18..20], [0, 0], "identification");
        assert_eq!(spoofed[26..30], [0; 4], "source");
        assert_eq!(spoofed[38..40], [0, 0], "sequence number");
        let one = from_one(hardware::UPLINK, Ipv4Addr::LOCALHOST, SERVER, 80).unwrap();
        assert_eq!(one[34..36], [0, 0], "source port");
        assert_eq!(one[47], 0x02, "flags");
    }

    #[test]
    fn a_question_has_the_options_of_linux() {
        let question = question(SERVER, 80).unwrap();
        assert_eq!(question[26..30], [0; 4], "source");
        assert_eq!(question[54..58], [2, 4, 5, 180], "MSS");
        assert_eq!(question[70..], [1, 3, 3, 7], "window scale");
    }

    #[test]
    fn short_frames_are_padded() {
        let syn = build(Segment::Syn, SERVER.into(), SERVER.into(), 80).unwrap();
        assert_eq!(syn.len(), FRAME);
        let six = IpAddr::from(Ipv6Addr::LOCALHOST);
        assert_eq!(build(Segment::Syn, six, six, 80).unwrap().len(), 78);
        assert!(build(Segment::Udp, SERVER.into(), six, 80).is_err());
    }
}
