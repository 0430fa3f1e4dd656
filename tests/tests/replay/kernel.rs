//! The program in the kernel beside the host: packet by packet the same.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use synguard::pcap::Reader;
use synguard::replay::{Replay, Witness};
use synguard::settings::{DEFAULT, Settings};
use synguard_tests::capture_file::{Captured, Kind, Order, link_type, pcap};
use synguard_tests::program;
use synguard_tests::real_capture::RealCapture;
use synguard_tests::seed_attack::{Attack, BEGIN, Flags, STORY, segment};
use synguard_tests::synguard::{binary, outcome};

use crate::support::{File, bans, ethernet, number, report};

const SHORT: Attack = Attack {
    seconds: 2,
    per_victim: 600,
    ..STORY
};

#[test]
fn both_decide_the_same_about_real_floods() -> Result<()> {
    for (name, flags) in [
        ("pkt.TCP.synflood.spoofed.pcap", &[][..]),
        // Sources so few that the sketch decides about most of them.
        ("pkt.TCP.synflood.spoofed.pcap", &["--max-sources", "1024"]),
        (
            "amp.TCP.syn.optionallyACK.optionallysamePort.pcapng",
            &["--syn-rate", "10", "--window", "100ms"],
        ),
    ] {
        let Some(capture) = RealCapture::find(name)? else {
            return Ok(());
        };
        let path = capture.path().display().to_string();
        let flags = [&[path.as_str(), "--kernel"], flags].concat();
        let report = report(&flags)?;
        let packets = number(&report, "/packets")?;
        ensure!(packets == capture.contents()?.frames);
        ensure!(number(&report, "/kernel/agreed")? == packets, "{report:#}");
        ensure!(number(&report, "/kernel/not_run")? == 0, "{report:#}");
    }
    Ok(())
}

#[test]
fn both_decide_the_same_about_bans_handshakes_and_their_ends() -> Result<()> {
    for flags in [
        &["--ban-time", "1s"][..],
        &["--ban-scope", "all"],
        &["--ipv4-prefix", "16", "--window", "300ms"],
    ] {
        let file = File::new("story.pcap", &ethernet(&SHORT.packets()?))?;
        let name = file.text();
        let with = report(&[&[name.as_str(), "--kernel"], flags].concat())?;
        let mut without = report(&[&[name.as_str()], flags].concat())?;
        ensure!(bans(&with).len() >= 2, "{with:#}");
        ensure!(number(&with, "/handshakes/completed")? > 0, "{with:#}");
        ensure!(number(&with, "/kernel/agreed")? == number(&with, "/packets")?);
        without["kernel"] = with["kernel"].clone();
        ensure!(
            with == without,
            "{flags:?}: the kernel changed what the host found"
        );
    }
    Ok(())
}

/// In a replay no controller takes the kernel's events.
#[test]
fn more_offenders_than_the_buffer_of_events_holds_make_no_difference() -> Result<()> {
    // 64 KiB, of 32 bytes each.
    const ROOM: u32 = 2_048;
    const SYNS: u32 = 5;
    let first = u32::from(Ipv4Addr::new(8, 0, 0, 1));
    let packets = (0..SYNS * (ROOM + 300)).map(|number| {
        let source = Ipv4Addr::from(first + number / SYNS);
        let victim = (Ipv4Addr::new(192, 0, 2, 2), 25);
        let syn = segment((source, 80), victim, Flags::Syn, number, 0)?;
        let nanos = BEGIN + u64::from(number) * 400_000;
        Ok(Captured::whole(nanos, syn))
    });
    let packets: Vec<_> = packets.collect::<Result<_>>()?;
    let file = File::new("offenders.pcap", &ethernet(&packets))?;
    let report = report(&[&file.text(), "--kernel", "--syn-rate", "3"])?;
    let agreed = number(&report, "/kernel/agreed")?;
    ensure!(agreed == packets.len() as u64, "{agreed}");
    Ok(())
}

#[test]
fn what_the_kernel_cannot_be_given_is_counted() -> Result<()> {
    let packets: Vec<_> = [0, 13, 14, 200, 100_000]
        .into_iter()
        .map(|len| Captured::whole(BEGIN, vec![0; len]))
        .collect();
    let file = File::new("lengths.pcap", &ethernet(&packets))?;
    let report = report(&[&file.text(), "--kernel"])?;
    assert_eq!(number(&report, "/kernel/agreed")?, 2);
    assert_eq!(number(&report, "/kernel/not_run")?, 3);
    Ok(())
}

#[test]
fn packets_without_an_ethernet_header_are_given_one() -> Result<()> {
    let packets: Vec<_> = SHORT
        .packets()?
        .into_iter()
        .map(|packet| Captured::whole(packet.nanos, packet.data[14..].to_vec()))
        .collect();
    let bytes = pcap(Kind::Nanos, Order::Big, link_type::RAW, &packets);
    let file = File::new("raw.pcap", &bytes)?;
    let report = report(&[&file.text(), "--kernel"])?;
    assert_eq!(number(&report, "/kernel/agreed")?, packets.len() as u64);
    assert_eq!(bans(&report).len(), 2);
    Ok(())
}

#[test]
fn a_kernel_that_decides_otherwise_is_noticed() -> Result<()> {
    let other = Settings {
        syn_rate: 51,
        ..DEFAULT
    };
    let mut replay = Replay::new(DEFAULT);
    let mut witness = Witness::new(&other, Replay::new(other).settings())?;
    let bytes = ethernet(&SHORT.packets()?);
    let mut reader = Reader::open(&bytes[..])?;
    let error = loop {
        let frame = reader
            .read()
            .map_err(|damage| anyhow::anyhow!("{damage}"))?;
        let Some(frame) = frame else {
            panic!("nothing was noticed")
        };
        if let Err(error) = replay.feed(&frame, Some(&mut witness)) {
            break error.to_string();
        }
    };
    assert!(error.contains("disagree"), "{error}");
    assert!(error.contains("syn_counted and rate_limited"), "{error}");
    Ok(())
}

#[test]
fn it_takes_a_privilege() -> Result<()> {
    let file = File::new("story.pcap", &ethernet(&[]))?;
    let mut command = program::command("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all"]);
    command.arg(binary()?);
    let outcome = outcome(command.args(["replay", "--kernel", &file.text()]))?;
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    assert!(outcome.stdout.is_empty(), "{outcome:?}");
    Ok(())
}
