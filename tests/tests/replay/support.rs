//! Reading and replaying what the cases wrote.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard::pcap::{Damage, Direction, Interface, Link, Reader};
use synguard_common::packet::Packet;
use synguard_tests::capture_file::{Captured, Kind, Order, pcap};
use synguard_tests::program;
use synguard_tests::real_capture::RealCapture;
use synguard_tests::synguard::{Outcome, binary, outcome};
use tempfile::TempDir;

/// A packet as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub nanos: u64,
    pub data: Vec<u8>,
    pub wire_len: u32,
    pub link: Link,
    pub direction: Direction,
    pub packet: Packet,
}

/// A capture as it was read.
#[derive(Debug)]
pub struct Contents {
    pub packets: Vec<Read>,
    pub interfaces: Vec<Interface>,
    pub damage: Option<Damage>,
}

/// Reads a capture to its end, or to the damage in it.
pub fn read(bytes: &[u8]) -> Result<Contents> {
    let mut reader = Reader::open(bytes)?;
    let mut packets = Vec::new();
    let damage = loop {
        match reader.read() {
            Ok(Some(frame)) => packets.push(Read {
                nanos: frame.nanos,
                data: frame.data.to_vec(),
                wire_len: frame.wire_len,
                link: frame.link,
                direction: frame.direction,
                packet: frame.packet(),
            }),
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        }
    };
    Ok(Contents {
        packets,
        interfaces: reader.interfaces(),
        damage,
    })
}

/// A pcap of Ethernet frames.
pub fn ethernet(packets: &[Captured]) -> Vec<u8> {
    pcap(Kind::Nanos, Order::Little, 1, packets)
}

/// A file in a folder of its own.
pub struct File {
    folder: TempDir,
    name: &'static str,
}

impl File {
    pub fn new(name: &'static str, bytes: &[u8]) -> Result<Self> {
        let folder = TempDir::new()?;
        std::fs::write(folder.path().join(name), bytes)?;
        Ok(Self { folder, name })
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    pub fn text(&self) -> String {
        self.path().display().to_string()
    }
}

/// The capture's packets with other stamps: so many a second, evenly. Some seconds
/// without any come before the last one, so that suspects are judged.
pub fn paced(capture: &RealCapture, per_second: u64) -> Result<Vec<Captured>> {
    let stream = std::fs::File::open(capture.path())?;
    let mut reader = Reader::open(stream)?;
    let mut packets = Vec::new();
    let begin = 1_600_000_000_000_000_000;
    while let Some(frame) = reader
        .read()
        .map_err(|damage| anyhow::anyhow!("{damage}"))?
    {
        let nanos = begin + packets.len() as u64 * 1_000_000_000 / per_second;
        packets.push(Captured::whole(nanos, frame.data.to_vec()));
    }
    if let Some(last) = packets.last_mut() {
        last.nanos += 5_000_000_000;
    }
    Ok(packets)
}

/// Runs `synguard replay`.
pub fn run(arguments: &[&str]) -> Result<Outcome> {
    let mut command = program::command(binary()?);
    outcome(command.arg("replay").args(arguments).env("NO_COLOR", "1"))
}

/// Runs it with `--json`, and reads what it found out.
pub fn report(arguments: &[&str]) -> Result<Value> {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    let outcome = run(&arguments)?;
    ensure!(outcome.code == Some(0), "{arguments:?}: {outcome:?}");
    serde_json::from_str(&outcome.stdout).context("no JSON")
}

/// The sources of the bans in a report, with their classes.
pub fn bans(report: &Value) -> Vec<(String, String)> {
    let bans = report["bans"].as_array().map(Vec::as_slice);
    let mut bans: Vec<_> = bans
        .unwrap_or_default()
        .iter()
        .map(|ban| (word(&ban["source"]), word(&ban["evidence"]["class"])))
        .collect();
    bans.sort();
    bans
}

/// The number at a JSON pointer.
pub fn number(report: &Value, pointer: &str) -> Result<u64> {
    let found = report.pointer(pointer).and_then(Value::as_u64);
    found.with_context(|| format!("no number at {pointer} in {report:#}"))
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
