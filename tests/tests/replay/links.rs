//! Link types: the same packet behind each header is the same to the filter.

use anyhow::Result;
use synguard::pcap::Direction;
use synguard_common::packet::{Packet, Segment, parse};
use synguard_common::verdict::Reason;
use synguard_tests::address::{CONTAINER, CONTAINER6, VICTIM6, VICTIMS};
use synguard_tests::capture_file::{Captured, Kind, Order, link_type, pcap};
use synguard_tests::seed_attack::BEGIN;
use synguard_tests::seed_packet::{Dress, Link, build};

use crate::support::{Read, read};

const LINK: Link = Link {
    from: [2, 0, 0, 0, 0, 1],
    to: [2, 0, 0, 0, 0, 2],
};
const ETHERNET_LEN: usize = 14;

fn frame(v6: bool, dress: Dress) -> Result<Vec<u8>> {
    let [victim, _] = VICTIMS;
    if v6 {
        build(LINK, dress, VICTIM6.into(), CONTAINER6.into(), 25, 0)
    } else {
        build(LINK, dress, victim.into(), CONTAINER.into(), 25, 0)
    }
}

fn read_one(link_type: u32, data: Vec<u8>) -> Result<Read> {
    let file = pcap(
        Kind::Nanos,
        Order::Little,
        link_type,
        &[Captured::whole(BEGIN, data)],
    );
    let mut contents = read(&file)?;
    assert_eq!(contents.damage, None);
    Ok(contents.packets.remove(0))
}

fn seen(link_type: u32, header: &[u8], payload: &[u8]) -> Result<Packet> {
    Ok(read_one(link_type, [header, payload].concat())?.packet)
}

/// `sll_pkttype`, the hardware type, an address, and the protocol.
fn cooked(kind: u8, hardware: u16, protocol: u16) -> Vec<u8> {
    let mut header = vec![0, kind];
    header.extend(hardware.to_be_bytes());
    header.extend([0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    header.extend(protocol.to_be_bytes());
    header
}

fn cooked2(kind: u8, protocol: u16) -> Vec<u8> {
    let mut header = protocol.to_be_bytes().to_vec();
    header.extend([0, 0, 0, 0, 0, 2, 0, 1, kind, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    header
}

#[test]
fn a_syn_is_the_same_behind_every_header() -> Result<()> {
    for (v6, protocol, ip) in [
        (false, 0x0800_u16, link_type::IPV4),
        (true, 0x86dd, link_type::IPV6),
    ] {
        let ethernet = frame(v6, Dress::PLAIN)?;
        let payload = &ethernet[ETHERNET_LEN..];
        let expected = parse(&ethernet[..]);
        assert!(matches!(expected.segment, Segment::Syn(_)));
        let families: &[u32] = if v6 { &[10, 24, 28, 30] } else { &[2] };
        let mut rows = vec![
            (link_type::ETHERNET, ethernet[..ETHERNET_LEN].to_vec()),
            (link_type::RAW, vec![]),
            (12, vec![]),
            (14, vec![]),
            (ip, vec![]),
            (link_type::COOKED, cooked(0, 1, protocol)),
            (link_type::COOKED2, cooked2(0, protocol)),
        ];
        for family in families {
            rows.push((link_type::NULL, family.to_le_bytes().to_vec()));
            rows.push((link_type::NULL, family.to_be_bytes().to_vec()));
            rows.push((link_type::LOOP, family.to_be_bytes().to_vec()));
        }
        for (link_type, header) in rows {
            let seen = seen(link_type, &header, payload)?;
            assert_eq!(seen, expected, "link type {link_type}, {header:02x?}");
        }
    }
    Ok(())
}

#[test]
fn vlan_tags_are_seen_behind_ethernet_and_cooked_headers() -> Result<()> {
    for vlans in [[Some(7), None], [Some(7), Some(8)]] {
        let dress = Dress {
            vlans,
            ..Dress::PLAIN
        };
        let tagged = frame(false, dress)?;
        let expected = parse(&frame(false, Dress::PLAIN)?[..]);
        assert_eq!(seen(link_type::ETHERNET, &[], &tagged)?, expected);
        let outer = u16::from_be_bytes([tagged[12], tagged[13]]);
        let payload = &tagged[ETHERNET_LEN..];
        assert_eq!(
            seen(link_type::COOKED, &cooked(0, 1, outer), payload)?,
            expected
        );
        assert_eq!(
            seen(link_type::COOKED2, &cooked2(0, outer), payload)?,
            expected
        );
    }
    Ok(())
}

#[test]
fn what_is_no_ip_is_none() -> Result<()> {
    let payload = [0; 60];
    let netlink = cooked(0, 824, 0x0800);
    for (link_type, header) in [
        (link_type::RAW, &[][..]),
        (link_type::NULL, &[7, 0, 0, 0]),
        (link_type::COOKED, &cooked(0, 1, 0x0806)),
        (link_type::COOKED, &netlink),
        (link_type::COOKED2, &cooked2(0, 0x0004)),
    ] {
        let packet = seen(link_type, header, &payload)?;
        assert_eq!(
            packet.segment,
            Segment::Opaque(Reason::NotIp),
            "link type {link_type}"
        );
    }
    Ok(())
}

#[test]
fn a_packet_cut_anywhere_is_passed_and_not_misread() -> Result<()> {
    let ethernet = frame(false, Dress::PLAIN)?;
    let payload = &ethernet[ETHERNET_LEN..];
    for (link_type, header) in [
        (link_type::ETHERNET, ethernet[..ETHERNET_LEN].to_vec()),
        (link_type::RAW, vec![]),
        (link_type::NULL, vec![2, 0, 0, 0]),
        (link_type::COOKED, cooked(0, 1, 0x0800)),
        (link_type::COOKED2, cooked2(0, 0x0800)),
    ] {
        let whole = [&header[..], payload].concat();
        // The TCP header ends 40 bytes into the IP packet.
        for len in 0..header.len() + 40 {
            let packet = seen(link_type, &[], &whole[..len])?;
            assert!(
                !matches!(packet.segment, Segment::Syn(_)),
                "link type {link_type}, {len} bytes"
            );
        }
        let packet = seen(link_type, &[], &whole[..header.len() + 40])?;
        assert!(
            matches!(packet.segment, Segment::Syn(_)),
            "link type {link_type}"
        );
    }
    Ok(())
}

#[test]
fn cooked_headers_tell_which_way_a_packet_went() -> Result<()> {
    let payload = &frame(false, Dress::PLAIN)?[ETHERNET_LEN..];
    for (kind, expected) in [(0, Direction::In), (2, Direction::In), (4, Direction::Out)] {
        let one = read_one(
            link_type::COOKED,
            [&cooked(kind, 1, 0x0800), payload].concat(),
        )?;
        assert_eq!(one.direction, expected, "kind {kind}");
        let one = read_one(
            link_type::COOKED2,
            [&cooked2(kind, 0x0800), payload].concat(),
        )?;
        assert_eq!(one.direction, expected, "kind {kind}");
    }
    assert_eq!(
        read_one(link_type::RAW, payload.to_vec())?.direction,
        Direction::Unknown
    );
    Ok(())
}
