//! Magic numbers, byte orders, resolutions, sections and interfaces.

use anyhow::Result;
use synguard::pcap::{Direction, Link};
use synguard_tests::capture_file::{Captured, Interface, Kind, Order, PcapNg, link_type, pcap};
use synguard_tests::seed_attack::{BEGIN, STORY};

use crate::support::read;

const NANOS: u64 = BEGIN + 123_456_789;

fn packet() -> Captured {
    Captured::whole(NANOS, vec![0x5a; 61])
}

const ETHERNET: Interface<'static> = Interface {
    link_type: link_type::ETHERNET,
    snap_len: 0,
    resolution: None,
    offset: None,
    name: None,
};

#[test]
fn every_kind_of_pcap_is_read_in_either_byte_order() -> Result<()> {
    for (kind, order, nanos) in [
        (Kind::Micros, Order::Little, NANOS / 1000 * 1000),
        (Kind::Micros, Order::Big, NANOS / 1000 * 1000),
        (Kind::Nanos, Order::Little, NANOS),
        (Kind::Nanos, Order::Big, NANOS),
        (Kind::Modified, Order::Little, NANOS / 1000 * 1000),
    ] {
        let file = pcap(kind, order, link_type::ETHERNET, &[packet(), packet()]);
        let contents = read(&file)?;
        assert_eq!(contents.damage, None, "{kind:?} {order:?}");
        assert_eq!(contents.packets.len(), 2, "{kind:?} {order:?}");
        let first = &contents.packets[0];
        assert_eq!(first.nanos, nanos, "{kind:?} {order:?}");
        assert_eq!((&first.data, first.wire_len), (&packet().data, 61));
        assert_eq!(first.link, Link::Ethernet);
    }
    Ok(())
}

#[test]
fn the_upper_half_of_a_link_type_is_no_part_of_it() -> Result<()> {
    let file = pcap(Kind::Micros, Order::Little, 0x1400_0001, &[packet()]);
    assert_eq!(read(&file)?.packets[0].link, Link::Ethernet);
    Ok(())
}

#[test]
fn pcapng_is_read_in_either_byte_order_and_any_resolution() -> Result<()> {
    let seconds = NANOS / 1_000_000_000;
    for order in [Order::Little, Order::Big] {
        for (resolution, offset, stamp, expected) in [
            (None, None, NANOS / 1000, NANOS / 1000 * 1000),
            (Some(6), None, NANOS / 1000, NANOS / 1000 * 1000),
            (Some(9), None, NANOS, NANOS),
            (
                Some(3),
                None,
                NANOS / 1_000_000,
                NANOS / 1_000_000 * 1_000_000,
            ),
            (Some(0), None, seconds, seconds * 1_000_000_000),
            (
                Some(0x8a),
                None,
                seconds << 10 | 512,
                seconds * 1_000_000_000 + 500_000_000,
            ),
            (Some(9), Some(100), NANOS, NANOS + 100_000_000_000),
            (
                None,
                Some(-100),
                NANOS / 1000,
                NANOS / 1000 * 1000 - 100_000_000_000,
            ),
        ] {
            let interface = Interface {
                resolution,
                offset,
                ..ETHERNET
            };
            let file = PcapNg::new(order)
                .interface(&interface)
                .packet(0, stamp, None, &packet())
                .bytes();
            let contents = read(&file)?;
            assert_eq!(contents.damage, None, "{order:?} {interface:?}");
            assert_eq!(
                contents.packets[0].nanos, expected,
                "{order:?} {interface:?}"
            );
            assert_eq!(contents.packets[0].data, packet().data);
        }
    }
    Ok(())
}

#[test]
fn a_pcapng_may_have_several_interfaces_and_sections() -> Result<()> {
    let named = |name| Interface {
        name: Some(name),
        ..ETHERNET
    };
    let raw = Interface {
        link_type: link_type::RAW,
        resolution: Some(9),
        name: Some("wg0"),
        ..ETHERNET
    };
    let file = PcapNg::new(Order::Little)
        .interface(&named("eth0"))
        .interface(&raw)
        .packet(1, NANOS, None, &packet())
        .packet(0, NANOS / 1000, None, &packet())
        .section(Order::Big)
        .interface(&named("eth1"))
        .packet(0, NANOS / 1000, None, &packet())
        .bytes();
    let contents = read(&file)?;
    assert_eq!(contents.damage, None);
    let links: Vec<_> = contents.packets.iter().map(|packet| packet.link).collect();
    assert_eq!(links, [Link::Raw, Link::Ethernet, Link::Ethernet]);
    let interfaces: Vec<_> = contents
        .interfaces
        .iter()
        .map(|interface| (interface.name.as_deref(), interface.packets))
        .collect();
    assert_eq!(
        interfaces,
        [(Some("eth0"), 1), (Some("wg0"), 1), (Some("eth1"), 1)]
    );
    Ok(())
}

#[test]
fn directions_are_told_and_other_blocks_are_passed_over() -> Result<()> {
    let mut file = PcapNg::new(Order::Big).interface(&ETHERNET);
    for flags in [None, Some(1), Some(2), Some(0x1_0002)] {
        file = file
            .block(5, &[0; 12])
            .block(0xbad, &[1, 2, 3, 4, 5])
            .packet(0, NANOS / 1000, flags, &packet());
    }
    let contents = read(&file.bytes())?;
    let directions: Vec<_> = contents
        .packets
        .iter()
        .map(|packet| packet.direction)
        .collect();
    let expected = [
        Direction::Unknown,
        Direction::In,
        Direction::Out,
        Direction::Out,
    ];
    assert_eq!(directions, expected);
    Ok(())
}

#[test]
fn simple_packets_come_at_the_time_of_the_one_before() -> Result<()> {
    let interface = Interface {
        snap_len: 40,
        ..ETHERNET
    };
    let file = PcapNg::new(Order::Little)
        .interface(&interface)
        .packet(0, NANOS / 1000, None, &packet().cut(40))
        .simple_packet(&packet().cut(40))
        .bytes();
    let contents = read(&file)?;
    assert_eq!(contents.damage, None);
    let [first, second] = &contents.packets[..] else {
        panic!("{contents:?}")
    };
    assert_eq!(second.nanos, first.nanos);
    assert_eq!((second.data.len(), second.wire_len), (40, 61));
    Ok(())
}

#[test]
fn frames_may_be_empty_or_jumbo() -> Result<()> {
    for len in [0, 1, 13, 14, 9018, 65_549, 262_144] {
        let packet = Captured::whole(NANOS, vec![0; len]);
        for file in [
            pcap(
                Kind::Nanos,
                Order::Big,
                link_type::ETHERNET,
                std::slice::from_ref(&packet),
            ),
            PcapNg::new(Order::Big)
                .interface(&ETHERNET)
                .packet(0, NANOS, None, &packet)
                .bytes(),
        ] {
            let contents = read(&file)?;
            assert_eq!(contents.damage, None, "{len} bytes");
            assert_eq!(contents.packets[0].data.len(), len);
        }
    }
    Ok(())
}

#[test]
fn a_long_capture_is_read_whole_through_a_window() -> Result<()> {
    let packets = STORY.packets()?;
    let file = pcap(Kind::Nanos, Order::Big, link_type::ETHERNET, &packets);
    assert!(file.len() > 2 << 20, "longer than the window");
    let contents = read(&file)?;
    assert_eq!(contents.damage, None);
    assert!(
        contents
            .packets
            .iter()
            .map(|packet| (packet.nanos, &packet.data))
            .eq(packets.iter().map(|packet| (packet.nanos, &packet.data)))
    );
    Ok(())
}
