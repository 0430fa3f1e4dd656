//! What the parser promises for any bytes, and for well-formed packets.

use std::net::{Ipv4Addr, Ipv6Addr};

use etherparse::{
    IpHeaders, Ipv4Header, Ipv4Options, Ipv6Header, PacketBuilder, TcpHeader, VlanId,
};
use proptest::prelude::*;
use synguard_common::packet::{Packet, Ports, Segment, parse};
use synguard_common::source::Address;
use synguard_common::verdict::Reason;

fn v4(address: Ipv4Addr) -> Address {
    Address::v4(u32::from_ne_bytes(address.octets()))
}

fn v6(address: Ipv6Addr) -> Address {
    let octets = address.octets();
    let word = |i| u32::from_ne_bytes(std::array::from_fn(|byte| octets[i + byte]));
    Address::V6([word(0), word(4), word(8), word(12)])
}

/// How many VLAN tags stand before the IP header.
#[derive(Clone, Copy, Debug)]
enum Tags {
    None,
    One(u16),
    Two(u16, u16),
}

fn tags() -> impl Strategy<Value = Tags> {
    prop_oneof![
        Just(Tags::None),
        (0..4096_u16).prop_map(Tags::One),
        (0..4096_u16, 0..4096_u16).prop_map(|(outer, inner)| Tags::Two(outer, inner)),
    ]
}

fn frame(tags: Tags, ip: IpHeaders, tcp: TcpHeader, payload: &[u8]) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
    let id = |id| VlanId::try_new(id).unwrap();
    let mut bytes = Vec::new();
    match tags {
        Tags::None => ethernet.ip(ip).tcp_header(tcp).write(&mut bytes, payload),
        Tags::One(tag) => ethernet
            .single_vlan(id(tag))
            .ip(ip)
            .tcp_header(tcp)
            .write(&mut bytes, payload),
        Tags::Two(outer, inner) => ethernet
            .double_vlan(id(outer), id(inner))
            .ip(ip)
            .tcp_header(tcp)
            .write(&mut bytes, payload),
    }
    .unwrap();
    bytes
}

prop_compose! {
    fn tcp()(ports in any::<(u16, u16)>(), flags in any::<[bool; 9]>(), options in 0..=10_usize) -> TcpHeader {
        let mut header = TcpHeader::new(ports.0, ports.1, 1, 8192);
        [header.syn, header.ack, header.fin, header.rst, header.psh, header.urg, header.ece, header.cwr, header.ns] = flags;
        header.set_options_raw(&vec![1; options * 4]).unwrap();
        header
    }
}

/// What a segment with this header is.
fn expected(tcp: &TcpHeader) -> Segment {
    if tcp.syn && !tcp.ack {
        Segment::Syn(Ports::new(tcp.source_port, tcp.destination_port))
    } else if tcp.rst && !tcp.syn && !tcp.ack {
        Segment::Other(Reason::Reset)
    } else {
        Segment::Other(Reason::NotSyn)
    }
}

/// The reasons that say that the frame ends too early.
const TRUNCATED: [Reason; 6] = [
    Reason::TruncatedEthernet,
    Reason::TruncatedVlan,
    Reason::TruncatedIpv4,
    Reason::TruncatedIpv6,
    Reason::TruncatedTcp,
    Reason::Ipv6Extensions,
];

fn is_truncated(packet: Packet) -> bool {
    match packet.segment {
        Segment::Opaque(reason) | Segment::Other(reason) => TRUNCATED.contains(&reason),
        Segment::Syn(_) => false,
    }
}

/// Bytes that get past the first checks more often than chance would let them.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let ether_type = prop_oneof![
        Just([0x08, 0x00]),
        Just([0x86, 0xdd]),
        Just([0x81, 0x00]),
        Just([0x88, 0xa8]),
        any::<[u8; 2]>(),
    ];
    let first = prop_oneof![0x40..=0x4f_u8, Just(0x60), any::<u8>()];
    (
        ether_type,
        first,
        proptest::collection::vec(any::<u8>(), 0..200),
    )
        .prop_map(|(kind, first, rest)| {
            let mut bytes = vec![0; 12];
            bytes.extend(kind);
            bytes.push(first);
            bytes.extend(rest);
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes[..]);
    }

    #[test]
    fn what_is_behind_the_end_is_never_seen(bytes in plausible(), cut in any::<prop::sample::Index>()) {
        // Cut anywhere, a frame reads as it did whole, or as cut: never as
        // something else, which it could only with bytes from behind the end.
        let cut = &bytes[..cut.index(bytes.len())];
        let seen = parse(cut);
        prop_assert!(seen == parse(&bytes[..]) || is_truncated(seen), "{seen:?}");
    }

    #[test]
    fn a_built_ipv4_packet_is_read_as_built(
        tags in tags(), tcp in tcp(), source in any::<u32>(), options in 0..=10_usize,
        payload in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let source = Ipv4Addr::from(source);
        let mut ip = Ipv4Header::new(0, 64, etherparse::ip_number::TCP, source.octets(), [192, 0, 2, 1]).unwrap();
        ip.options = Ipv4Options::try_from(&vec![1; options * 4][..]).unwrap();
        let expected = Packet { source: v4(source), segment: expected(&tcp) };
        let bytes = frame(tags, IpHeaders::Ipv4(ip, Default::default()), tcp, &payload);
        prop_assert_eq!(parse(&bytes[..]), expected);
    }

    #[test]
    fn a_built_ipv6_packet_is_read_as_built(
        tags in tags(), tcp in tcp(), source in any::<u128>(),
        payload in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let source = Ipv6Addr::from(source);
        let ip = Ipv6Header {
            source: source.octets(),
            destination: Ipv6Addr::LOCALHOST.octets(),
            hop_limit: 64,
            ..Default::default()
        };
        let expected = Packet { source: v6(source), segment: expected(&tcp) };
        let bytes = frame(tags, IpHeaders::Ipv6(ip, Default::default()), tcp, &payload);
        prop_assert_eq!(parse(&bytes[..]), expected);
    }
}
