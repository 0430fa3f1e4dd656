//! Packets as evidence: the bytes, and what a person reads in them.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use etherparse::{LaxNetSlice, LaxSlicedPacket, TcpOptionElement, TcpSlice, TransportSlice};
use serde::Serialize;

use super::plain;

const MAC_LEN: usize = 6;

/// A packet as it came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// When.
    #[serde(serialize_with = "plain::exact_date")]
    pub time: SystemTime,
    /// The frame, from its Ethernet header on.
    #[serde(serialize_with = "plain::bytes")]
    pub bytes: Vec<u8>,
}

impl Sample {
    /// One line: time, addresses, ports, flags, sequence number, window, options,
    /// TTL, length.
    pub fn line(&self) -> String {
        let time = humantime::format_rfc3339_micros(self.time);
        let length = self.bytes.len();
        match self.segment() {
            Some(segment) => format!("{time} {}, {length} bytes", segment.describe()),
            None => format!("{time} a frame without a readable TCP header, {length} bytes"),
        }
    }

    /// The bytes in hexadecimal.
    pub fn hex(&self) -> String {
        plain::hex(&self.bytes)
    }

    /// The source and the destination port.
    pub fn ports(&self) -> Option<(u16, u16)> {
        let segment = self.segment()?;
        Some((segment.from.port(), segment.to.port()))
    }

    /// Where it was sent to.
    pub fn destination(&self) -> Option<IpAddr> {
        Some(self.segment()?.to.ip())
    }

    /// Whether it came with an Ethernet header, and not with one that was put before it.
    pub fn has_link_addresses(&self) -> bool {
        self.bytes.iter().take(2 * MAC_LEN).any(|byte| *byte != 0)
    }

    fn segment(&self) -> Option<Segment<'_>> {
        // Of a long packet only the beginning may be there.
        let packet = LaxSlicedPacket::from_ethernet(&self.bytes).ok()?;
        let (source, destination, hops): (IpAddr, IpAddr, u8) = match packet.net? {
            LaxNetSlice::Ipv4(v4) => {
                let header = v4.header();
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                    header.ttl(),
                )
            }
            LaxNetSlice::Ipv6(v6) => {
                let header = v6.header();
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                    header.hop_limit(),
                )
            }
            LaxNetSlice::Arp(_) => return None,
        };
        let TransportSlice::Tcp(tcp) = packet.transport? else {
            return None;
        };
        Some(Segment {
            from: SocketAddr::new(source, tcp.source_port()),
            to: SocketAddr::new(destination, tcp.destination_port()),
            hops,
            tcp,
        })
    }
}

struct Segment<'b> {
    from: SocketAddr,
    to: SocketAddr,
    hops: u8,
    tcp: TcpSlice<'b>,
}

impl Segment<'_> {
    fn describe(&self) -> String {
        let tcp = &self.tcp;
        let options: Vec<_> = tcp.options_iterator().map_while(Result::ok).collect();
        let options: Vec<_> = options.iter().filter_map(option).collect();
        let options = if options.is_empty() {
            "no options".to_owned()
        } else {
            options.join(" ")
        };
        format!(
            "{} > {} {} seq {} win {}, {options}, ttl {}",
            self.from,
            self.to,
            self.flags(),
            tcp.sequence_number(),
            tcp.window_size(),
            self.hops
        )
    }

    fn flags(&self) -> String {
        let tcp = &self.tcp;
        let flags = [
            (tcp.syn(), "SYN"),
            (tcp.ack(), "ACK"),
            (tcp.rst(), "RST"),
            (tcp.fin(), "FIN"),
            (tcp.psh(), "PSH"),
            (tcp.urg(), "URG"),
            (tcp.ece(), "ECE"),
            (tcp.cwr(), "CWR"),
        ];
        let set: Vec<_> = flags
            .iter()
            .filter_map(|(set, name)| set.then_some(*name))
            .collect();
        set.join("+")
    }
}

/// As tcpdump names it; padding is not shown.
fn option(option: &TcpOptionElement) -> Option<String> {
    match option {
        TcpOptionElement::Noop => None,
        TcpOptionElement::MaximumSegmentSize(size) => Some(format!("mss {size}")),
        TcpOptionElement::WindowScale(shift) => Some(format!("wscale {shift}")),
        TcpOptionElement::SelectiveAcknowledgementPermitted => Some("sackOK".to_owned()),
        TcpOptionElement::SelectiveAcknowledgement(..) => Some("sack".to_owned()),
        TcpOptionElement::Timestamp(value, echo) => Some(format!("TS val {value} ecr {echo}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use etherparse::PacketBuilder;

    use super::*;

    fn sample(bytes: Vec<u8>) -> Sample {
        Sample {
            time: SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_000),
            bytes,
        }
    }

    fn syn() -> Vec<u8> {
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
            .ipv4([203, 0, 113, 7], [192, 0, 2, 2], 57)
            .tcp(80, 25, 7, 8192)
            .syn()
            .options(&[
                TcpOptionElement::MaximumSegmentSize(1460),
                TcpOptionElement::Noop,
                TcpOptionElement::WindowScale(8),
                TcpOptionElement::SelectiveAcknowledgementPermitted,
            ])
            .unwrap();
        let mut frame = Vec::new();
        builder.write(&mut frame, &[]).unwrap();
        frame
    }

    #[test]
    fn a_syn_is_one_line() {
        let sample = sample(syn());
        assert_eq!(
            sample.line(),
            "1970-01-01T00:00:01.500000Z 203.0.113.7:80 > 192.0.2.2:25 SYN seq 7 win 8192, \
             mss 1460 wscale 8 sackOK, ttl 57, 66 bytes"
        );
        assert_eq!(sample.ports(), Some((80, 25)));
        assert_eq!(sample.destination(), "192.0.2.2".parse().ok());
    }

    #[test]
    fn a_syn_that_was_cut_behind_its_header_is_read() {
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
            .ipv4([203, 0, 113, 7], [192, 0, 2, 2], 57)
            .tcp(80, 25, 7, 8192)
            .syn();
        let mut frame = Vec::new();
        builder.write(&mut frame, &[7; 400]).unwrap();
        frame.truncate(96);
        let line = sample(frame).line();
        assert!(line.contains("192.0.2.2:25 SYN seq 7"), "{line}");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for cut in 0..syn().len() {
            let cut = sample(syn()[..cut].to_vec());
            assert!(cut.line().contains(" bytes"), "{}", cut.line());
        }
        assert!(sample(vec![0xff; 60]).line().contains("without a readable"));
    }
}
