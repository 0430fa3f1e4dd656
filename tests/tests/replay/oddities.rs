//! Files that nobody would give on purpose: devices, pipes, zeros without end, clocks
//! that jump.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::thread;

use anyhow::{Context, Result};
use rustix::fs::{CWD, Mode, mkfifoat};
use synguard_tests::capture_file::{Captured, Interface, Order, PcapNg, link_type};
use synguard_tests::program;
use synguard_tests::seed_attack::{Attack, BEGIN, Flags, STORY, segment};
use synguard_tests::synguard::binary;
use synguard_tests::wait;

use crate::support::{File, bans, ethernet, number, report, run};

const SHORT: Attack = Attack {
    seconds: 2,
    per_victim: 600,
    clients: 1,
    ..STORY
};
const SECOND: u64 = 1_000_000_000;
const GIGABYTE: u64 = 1 << 30;

#[test]
fn a_device_without_end_is_no_capture() -> Result<()> {
    for (device, words) in [
        ("/dev/zero", "begins with the bytes 00 00 00 00"),
        ("/dev/null", "is empty"),
    ] {
        let outcome = run(&[device])?;
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{outcome:?}");
    }
    Ok(())
}

/// A pipe can be opened but once: whoever writes to it must not be cut off by a check.
#[test]
fn a_pipe_is_read_where_it_stands_among_files() -> Result<()> {
    let packets = SHORT.packets()?;
    let (first, second) = packets.split_at(packets.len() / 2);
    let file = File::new("part0.pcap", &ethernet(first))?;
    let pipe = file.path().with_file_name("part1.fifo");
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR)?;
    let bytes = ethernet(second);
    let end = pipe.clone();
    let writer = thread::spawn(move || std::fs::write(end, bytes));
    let report = report(&[&file.text(), &pipe.display().to_string()])?;
    writer.join().expect("the writer does not panic")?;
    assert_eq!(bans(&report).len(), 2, "{report:#}");
    assert_eq!(number(&report, "/packets")?, packets.len() as u64);
    Ok(())
}

#[test]
fn standard_input_is_one_file() -> Result<()> {
    let outcome = run(&["-", "-"])?;
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("read but once"), "{outcome:?}");
    Ok(())
}

#[test]
fn what_is_missing_is_told_before_the_first_file_is_read() -> Result<()> {
    let good = File::new("good.pcap", &ethernet(&SHORT.packets()?))?;
    let picture = good.path().with_extension("svg").display().to_string();
    for (bad, words) in [("/nowhere/b.pcap", "cannot be read"), ("/", "is a folder")] {
        // Who reads this pipe waits for ever.
        let pipe = good.path().with_file_name("nobody_writes.fifo");
        let _ = mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR);
        let pipe = pipe.display().to_string();
        let mut command = program::command(binary()?);
        command.args(["replay", &good.text(), &pipe, bad, "--plot", &picture]);
        let mut process = program::spawn(command.stderr(Stdio::piped()))?;
        let child = process.child();
        let ended = || child.try_wait().transpose();
        let status = wait::until("the refusal", wait::GENEROUS, ended)??;
        assert_eq!(status.code(), Some(2));
        let mut said = String::new();
        let mut stderr = child.stderr.take().context("no standard error")?;
        stderr.read_to_string(&mut said)?;
        assert!(said.contains(words), "{said}");
    }
    Ok(())
}

/// What a machine leaves behind that stopped while it wrote; here with ten gigabytes of
/// nothing, which take no room.
#[test]
fn zeros_at_the_end_are_damage_and_not_packets() -> Result<()> {
    let packets = SHORT.packets()?;
    let bytes = ethernet(&packets);
    let file = File::new("stopped.pcap", &bytes)?;
    let zeros = OpenOptions::new().write(true).open(file.path())?;
    zeros.set_len(10 * GIGABYTE)?;
    let outcome = run(&[&file.text(), "--json"])?;
    assert_eq!(outcome.code, Some(8), "{outcome:?}");
    assert!(outcome.stderr.contains("nothing but zeros"), "{outcome:?}");
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout)?;
    assert_eq!(number(&report, "/packets")?, packets.len() as u64);
    let damage = &report["files"][0]["damage"];
    assert_eq!(
        number(damage, "/byte_offset")?,
        bytes.len() as u64,
        "{damage}"
    );
    assert_eq!(bans(&report).len(), 2);
    Ok(())
}

#[test]
fn ten_gigabytes_of_zeros_are_no_capture() -> Result<()> {
    let file = File::new("sparse.pcap", &[])?;
    let mut zeros = OpenOptions::new().write(true).open(file.path())?;
    zeros.seek(SeekFrom::Start(10 * GIGABYTE))?;
    zeros.write_all(&[0])?;
    let outcome = run(&[&file.text()])?;
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("00 00 00 00"), "{outcome:?}");
    Ok(())
}

/// Thirty million SYNs, 2.1 GB, each from another source.
#[test]
fn memory_does_not_grow_with_the_capture() -> Result<()> {
    const EACH: u32 = 100_000;
    const PARTS: u32 = 300;
    /// By then every table is full.
    const FULL: u32 = 200;
    /// Where the seconds stand in a record, and the source in its packet.
    const STAMP: usize = 0;
    const SOURCE: usize = 16 + 14 + 12;
    let at = |number: u32| BEGIN + u64::from(number) * (SECOND / u64::from(EACH));
    let syn = segment(
        (Ipv4Addr::UNSPECIFIED, 1024),
        (Ipv4Addr::new(192, 0, 2, 2), 80),
        Flags::Syn,
        1,
        0,
    )?;
    let packets: Vec<_> = (0..EACH)
        .map(|number| Captured::whole(at(number), syn.clone()))
        .collect();
    let mut bytes = ethernet(&packets);
    let len = (bytes.len() - 24) / packets.len();

    let mut command = program::command(binary()?);
    command.args(["replay", "-"]).stdin(Stdio::piped());
    let mut process = program::spawn(command.stdout(Stdio::null()))?;
    let mut input = process.child().stdin.take().context("no standard input")?;
    let status = format!("/proc/{}/status", process.id());
    let peak = || -> Result<u64> {
        let text = fs::read_to_string(&status)?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.context("no VmHWM")?.parse()?)
    };
    let mut early = 0;
    for part in 0..PARTS {
        let (header, records) = bytes.split_at_mut(24);
        if part == 0 {
            input.write_all(header)?;
        }
        let seconds = u32::try_from(BEGIN / SECOND)? + part;
        for (record, number) in records.chunks_exact_mut(len).zip(part * EACH..) {
            record[STAMP..][..4].copy_from_slice(&seconds.to_le_bytes());
            record[SOURCE..][..4].copy_from_slice(&(1 << 24 | number).to_be_bytes());
        }
        input.write_all(records)?;
        if part == FULL {
            early = peak()?;
        }
    }
    let late = peak()?;
    eprintln!("{early} kB at most for two thirds of the capture, {late} kB for all of it");
    drop(input);
    assert!(process.child().wait()?.success());
    assert!(late < early + 1024, "{early} kB, then {late} kB");
    Ok(())
}

/// A clock without a battery: the last stamps are of 1970, before all that has passed
/// since the first.
#[test]
fn a_clock_set_back_to_1970_is_told_and_drawn() -> Result<()> {
    let mut packets = SHORT.packets()?;
    let half = packets.len() / 2;
    for packet in &mut packets[half..] {
        packet.nanos %= SECOND;
    }
    let file = File::new("reset.pcap", &ethernet(&packets))?;
    let picture = file.path().with_extension("svg").display().to_string();
    let outcome = run(&[&file.text(), "--plot", &picture, "--ban-time", "1s"])?;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("clock was set back"), "{outcome:?}");
    assert!(std::fs::read_to_string(&picture)?.contains("banned as reflection"));
    Ok(())
}

/// The last second that a pcap file can tell, and one that only pcapng can.
#[test]
fn stamps_of_2106_and_2554_are_dates() -> Result<()> {
    let last = u64::from(u32::MAX) * SECOND;
    let moved = |begin: u64| -> Result<Vec<Captured>> {
        let mut packets = SHORT.packets()?;
        for packet in &mut packets {
            packet.nanos = packet.nanos - BEGIN + begin;
        }
        Ok(packets)
    };
    let file = File::new("late.pcap", &ethernet(&moved(last - 3 * SECOND)?))?;
    let late = report(&[&file.text()])?;
    assert_eq!(bans(&late).len(), 2, "{late:#}");
    let first = late["first_packet"].as_str().context("no date")?;
    assert!(first.starts_with("2106-02-07T06:28:12"), "{first}");

    let interface = Interface {
        link_type: link_type::ETHERNET,
        resolution: Some(9),
        ..Interface::default()
    };
    let mut file = PcapNg::new(Order::Little).interface(&interface);
    for packet in moved(u64::MAX - 3 * SECOND)? {
        file = file.packet(0, packet.nanos, None, &packet);
    }
    let file = File::new("later.pcapng", &file.bytes())?;
    let picture = file.path().with_extension("svg").display().to_string();
    let later = report(&[&file.text(), "--plot", &picture])?;
    assert_eq!(bans(&later).len(), 2, "{later:#}");
    let first = later["first_packet"].as_str().context("no date")?;
    assert!(first.starts_with("2554-07-21T"), "{first}");
    Ok(())
}

/// Two sections, and interfaces with units of their own: one time goes on.
#[test]
fn sections_and_resolutions_go_on_with_one_time() -> Result<()> {
    let interface = |resolution, name| Interface {
        link_type: link_type::ETHERNET,
        resolution: Some(resolution),
        name: Some(name),
        ..Interface::default()
    };
    let packets = SHORT.packets()?;
    let half = packets.len() / 2;
    let mut file = PcapNg::new(Order::Little)
        .interface(&interface(9, "eth0"))
        .interface(&interface(6, "eth1"));
    for (n, packet) in packets.iter().enumerate() {
        if n == half {
            file = file
                .section(Order::Big)
                .interface(&interface(6, "eth0"))
                .interface(&interface(9, "eth1"));
        }
        let nanos = (n % 2 == 0) == (n < half);
        let stamp = if nanos {
            packet.nanos
        } else {
            packet.nanos / 1000
        };
        file = file.packet(u32::try_from(n % 2)?, stamp, None, packet);
    }
    let file = File::new("sections.pcapng", &file.bytes())?;
    let read = report(&[&file.text()])?;
    assert_eq!(bans(&read).len(), 2, "{read:#}");
    assert_eq!(number(&read, "/clock_set_back")?, 0);
    let interfaces = read["files"][0]["interfaces"].as_array().context("none")?;
    assert_eq!(interfaces.len(), 4, "{read:#}");
    let said = run(&[&file.text()])?.stdout;
    assert!(said.contains(", eth0 Ethernet, eth1 Ethernet\n"), "{said}");
    Ok(())
}

/// Whoever made a capture chose these names: a terminal must not obey them, and a
/// picture must stay XML.
#[test]
fn names_from_elsewhere_are_only_shown() -> Result<()> {
    let interface = Interface {
        link_type: link_type::ETHERNET,
        name: Some("\u{1b}[2Jeth0"),
        ..Interface::default()
    };
    let mut file = PcapNg::new(Order::Little).interface(&interface);
    for packet in SHORT.packets()? {
        file = file.packet(0, packet.nanos / 1000, None, &packet);
    }
    let file = File::new("\u{1b}]0;evil\u{7}.pcapng", &file.bytes())?;
    let picture = file.path().with_file_name("out.svg").display().to_string();
    let outcome = run(&[&file.text(), "--plot", &picture])?;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let drawn = std::fs::read_to_string(&picture)?;
    for text in [&outcome.stdout, &drawn] {
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
        assert!(text.contains("evil"), "{text}");
    }
    Ok(())
}
