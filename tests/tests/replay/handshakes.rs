//! Completed handshakes, where a capture shows both ways and where it shows one.

use anyhow::Result;
use synguard_tests::address::{CONTAINER, client};
use synguard_tests::capture_file::{Captured, Interface, Order, PcapNg, link_type};
use synguard_tests::seed_attack::{BEGIN, Flags, segment};

use crate::support::{File, bans, ethernet, number, report};

const SYNS: u64 = 300;

/// A client that opens 100 connections per second, and answers as `answer` says to
/// the SYN of this number: with which sequence number and which acknowledgment.
fn capture(answered: bool, answer: impl Fn(u32) -> Option<(u32, u32)>) -> Result<Vec<Captured>> {
    let to = (CONTAINER, 443);
    let mut packets = Vec::new();
    for n in 0..SYNS {
        let nanos = BEGIN + n * 10_000_000;
        let from = (client(0), u16::try_from(20_000 + n)?);
        let sequence = u32::try_from(n * 1000)?;
        let mut at = |delay, data| packets.push(Captured::whole(nanos + delay, data));
        at(0, segment(from, to, Flags::Syn, sequence, 0)?);
        if answered {
            at(1000, segment(to, from, Flags::SynAck, 5000, sequence + 1)?);
        }
        if let Some((sequence, acknowledges)) = answer(sequence) {
            at(2000, segment(from, to, Flags::Ack, sequence, acknowledges)?);
        }
    }
    Ok(packets)
}

#[test]
fn only_who_acknowledges_what_he_was_sent_is_a_client() -> Result<()> {
    for (why, answered, answer, is_client) in [
        ("completes", true, Some((1, 5001)), true),
        ("guesses", true, Some((1, 5002)), false),
        ("acknowledges nothing of it", true, Some((1, 0)), false),
        ("is silent", true, None, false),
        (
            "goes on, as far as can be seen",
            false,
            Some((1, 999)),
            true,
        ),
        ("sends anything", false, Some((2, 999)), false),
        ("is silent, as far as can be seen", false, None, false),
    ] {
        let packets = capture(answered, |sequence| {
            answer.map(|(more, acknowledges)| (sequence + more, acknowledges))
        })?;
        let file = File::new("client.pcap", &ethernet(&packets))?;
        let report = report(&[&file.text()])?;
        let completed = number(&report, "/handshakes/completed")?;
        assert_eq!(
            completed,
            if is_client { SYNS } else { 0 },
            "{why}: {report:#}"
        );
        assert_eq!(bans(&report).is_empty(), is_client, "{why}: {report:#}");
    }
    Ok(())
}

#[test]
fn what_the_host_sent_itself_is_not_decided_about() -> Result<()> {
    let to = (client(0), 443);
    let interface = Interface {
        link_type: link_type::ETHERNET,
        resolution: Some(9),
        ..Interface::default()
    };
    let mut file = PcapNg::new(Order::Little).interface(&interface);
    for n in 0..SYNS {
        let syn = segment(
            (CONTAINER, u16::try_from(20_000 + n)?),
            to,
            Flags::Syn,
            0,
            0,
        )?;
        let nanos = BEGIN + n * 1_000_000;
        file = file.packet(0, nanos, Some(2), &Captured::whole(nanos, syn));
    }
    let file = File::new("outgoing.pcapng", &file.bytes())?;
    let report = report(&[&file.text()])?;
    assert_eq!(number(&report, "/left_out/outgoing")?, SYNS);
    assert_eq!(number(&report, "/packets")?, 0);
    assert!(bans(&report).is_empty());
    Ok(())
}
