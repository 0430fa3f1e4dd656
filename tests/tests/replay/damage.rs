//! Cut and damaged files: all before the damage is read, and the damage is named.

use anyhow::Result;
use synguard::pcap::Reader;
use synguard_tests::capture_file::{Captured, Interface, Kind, Order, PcapNg, link_type, pcap};
use synguard_tests::seed_attack::BEGIN;

use crate::support::read;

const PACKETS: u64 = 3;
const LEN: usize = 60;
/// Of a pcap file, and of each of its records.
const HEADER: usize = 24;
const RECORD: usize = 16 + LEN;

fn packets() -> Vec<Captured> {
    (0..PACKETS)
        .map(|n| Captured::whole(BEGIN + n, vec![7; LEN]))
        .collect()
}

fn classic(order: Order) -> Vec<u8> {
    pcap(Kind::Micros, order, link_type::ETHERNET, &packets())
}

fn next_generation(order: Order) -> Vec<u8> {
    let interface = Interface {
        link_type: link_type::ETHERNET,
        ..Interface::default()
    };
    let mut file = PcapNg::new(order).interface(&interface);
    for packet in packets() {
        file = file.packet(0, BEGIN / 1000, None, &packet);
    }
    file.bytes()
}

#[test]
fn a_file_cut_anywhere_is_used_up_to_there() -> Result<()> {
    let ends: Vec<_> = (0..=3).map(|n| HEADER + n * RECORD).collect();
    let (section, interface, block) = (28, 20, 32 + LEN);
    let ng_ends: Vec<_> = [0, section, section + interface]
        .into_iter()
        .chain((1..=3).map(|n| section + interface + n * block))
        .collect();
    for (file, ends, first) in [
        (classic(Order::Little), ends.clone(), HEADER),
        (classic(Order::Big), ends, HEADER),
        (next_generation(Order::Little), ng_ends.clone(), 12),
        (next_generation(Order::Big), ng_ends, 12),
    ] {
        assert_eq!(file.len(), *ends.last().unwrap());
        for len in first..=file.len() {
            let contents = read(&file[..len])?;
            let whole = ends.iter().filter(|end| **end <= len).count();
            let packets = whole.saturating_sub(ends.len() - 3);
            assert_eq!(contents.packets.len(), packets, "{len} bytes");
            assert_eq!(
                contents.damage.is_none(),
                ends.contains(&len),
                "{len} bytes"
            );
            if let Some(damage) = contents.damage {
                let start = ends.iter().rfind(|end| **end <= len).unwrap_or(&0);
                assert_eq!(damage.offset, *start as u64, "{len} bytes");
                assert_eq!(damage.packet, packets as u64 + 1, "{len} bytes");
                assert!(damage.why.contains("the file ends within"), "{damage}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_file_that_ends_within_its_header_is_refused() {
    for (bytes, words) in [
        (
            &classic(Order::Little)[..23],
            "ends within its header: 23 of 24 bytes are there",
        ),
        (&classic(Order::Little)[..4], "4 of 24 bytes"),
        (&classic(Order::Little)[..3], "no pcap and no pcapng"),
        (&[], "is empty"),
        (b"\x1f\x8b\x08\x00", "gzip -dc"),
        (b"<html>", "3c 68 74 6d"),
    ] {
        let error = Reader::open(bytes).err().map(|error| error.to_string());
        assert!(
            error.as_ref().is_some_and(|e| e.contains(words)),
            "{words}: {error:?}"
        );
    }
}

#[test]
fn a_link_type_that_cannot_be_read_is_refused_by_its_number() -> Result<()> {
    let file = pcap(Kind::Nanos, Order::Big, 105, &packets());
    let error = Reader::open(&file[..]).err().map(|error| error.to_string());
    assert!(
        error.as_ref().is_some_and(|e| e.contains("link type 105")),
        "{error:?}"
    );
    Ok(())
}

/// Overwrites the bytes at `at`.
fn with(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn damage_is_named_where_it_is() -> Result<()> {
    let second = HEADER + RECORD;
    let (interface, first) = (28, 48);
    let block = 32 + LEN;
    let ng = || next_generation(Order::Little);
    for (why, file, packet, offset, words) in [
        (
            "a record longer than any",
            with(classic(Order::Little), second + 8, &[0xff; 4]),
            2,
            second,
            "claims to be",
        ),
        (
            "a record longer than the file",
            with(classic(Order::Big), second + 8, &[0, 1, 0, 0]),
            2,
            second,
            "the file ends within its record",
        ),
        (
            "a stamp that is none",
            with(classic(Order::Little), second + 4, &[0xff; 4]),
            2,
            second,
            "time stamp",
        ),
        (
            "a block of no length",
            with(ng(), first + block + 4, &[0; 4]),
            2,
            first + block,
            "claims to be 0 bytes",
        ),
        (
            "a block that is no multiple of four",
            with(ng(), first + 4, &[93, 0, 0, 0]),
            1,
            first,
            "claims to be 93 bytes",
        ),
        (
            "a block whose two lengths differ",
            with(ng(), first + block - 4, &[0; 4]),
            1,
            first,
            "contradicts itself",
        ),
        (
            "a packet longer than its block",
            with(ng(), first + block + 20, &[0, 1, 0, 0]),
            2,
            first + block,
            "contradicts itself",
        ),
        (
            "an interface that was not described",
            with(ng(), first + 8, &[9, 0, 0, 0]),
            1,
            first,
            "interface 9",
        ),
        (
            "an obsolete block",
            with(ng(), first, &[2, 0, 0, 0]),
            1,
            first,
            "obsolete",
        ),
        (
            "a section of the future",
            with(ng(), 12, &[2, 0]),
            1,
            0,
            "version 2",
        ),
        (
            "a block too short for what it is",
            with(ng(), interface + 4, &[12, 0, 0, 0]),
            1,
            interface,
            "contradicts itself",
        ),
    ] {
        let contents = read(&file)?;
        let Some(damage) = contents.damage else {
            panic!("{why}: not noticed")
        };
        assert_eq!(
            (damage.packet, damage.offset),
            (packet, offset as u64),
            "{why}: {damage}"
        );
        assert!(damage.why.contains(words), "{why}: {damage}");
        assert_eq!(contents.packets.len() as u64, packet - 1, "{why}");
    }
    Ok(())
}
