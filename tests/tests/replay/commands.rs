//! What a person meets: several files, standard input, bad ones, exit codes.

use std::io::Write as _;
use std::process::Stdio;

use anyhow::{Context, Result};
use synguard_tests::program;
use synguard_tests::seed_attack::{Attack, STORY};
use synguard_tests::synguard::binary;

use crate::support::{File, bans, ethernet, number, report, run};

const SHORT: Attack = Attack {
    seconds: 2,
    per_victim: 600,
    clients: 1,
    ..STORY
};

#[test]
fn the_parts_of_a_capture_are_one() -> Result<()> {
    let packets = SHORT.packets()?;
    let (first, second) = packets.split_at(packets.len() / 2);
    let whole = File::new("whole.pcap", &ethernet(&packets))?;
    let first = File::new("part0.pcap", &ethernet(first))?;
    let second = File::new("part1.pcap", &ethernet(second))?;
    let mut expected = report(&[&whole.text()])?;
    let mut parts = report(&[&first.text(), &second.text()])?;
    assert_eq!(parts["files"].as_array().map(Vec::len), Some(2));
    expected["files"].take();
    parts["files"].take();
    assert_eq!(parts, expected);
    Ok(())
}

#[test]
fn standard_input_is_read() -> Result<()> {
    let bytes = ethernet(&SHORT.packets()?);
    let mut command = program::command(binary()?);
    command.args(["replay", "-", "--json"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output()?;
    writer.join().expect("the writer does not panic")?;
    assert!(output.status.success());
    let report = serde_json::from_slice(&output.stdout)?;
    assert_eq!(bans(&report).len(), 2, "{report:#}");
    assert_eq!(report["files"][0]["file"], "-");
    Ok(())
}

#[test]
fn damage_is_told_and_what_stands_before_it_is_used() -> Result<()> {
    let mut bytes = ethernet(&SHORT.packets()?);
    bytes.truncate(bytes.len() - 7);
    let file = File::new("cut.pcap", &bytes)?;
    let outcome = run(&[&file.text(), "--json"])?;
    assert_eq!(outcome.code, Some(8), "{outcome:?}");
    assert!(
        outcome.stderr.contains("cut.pcap is damaged at packet "),
        "{outcome:?}"
    );
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout)?;
    let packets = SHORT.packets()?.len() as u64;
    let damage = &report["files"][0]["damage"];
    assert_eq!(number(damage, "/packet")?, packets, "{damage}");
    let record = 16 + 54;
    assert_eq!(
        number(damage, "/byte_offset")?,
        bytes.len() as u64 + 7 - record
    );
    assert_eq!(number(&report, "/packets")?, packets - 1);
    assert_eq!(bans(&report).len(), 2);
    let said = run(&[&file.text()])?;
    assert_eq!(said.code, Some(8));
    assert!(said.stdout.contains("WOULD BE BANNED"), "{}", said.stdout);
    Ok(())
}

#[test]
fn what_is_no_capture_is_refused_by_its_name() -> Result<()> {
    let text = File::new("notes.txt", b"no packets here\n")?;
    let packed = File::new("flood.pcap.gz", &[0x1f, 0x8b, 8, 0, 0, 0])?;
    let empty = File::new("empty.pcap", &[])?;
    for (file, words) in [
        (text.text(), "is no pcap and no pcapng file"),
        (packed.text(), "gzip -dc"),
        (empty.text(), "is empty"),
        ("/nowhere/flood.pcap".to_owned(), "cannot be read"),
        ("/".to_owned(), "is a folder"),
    ] {
        let outcome = run(&[&file])?;
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{words}: {outcome:?}");
        assert!(outcome.stderr.contains(&file), "{outcome:?}");
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
    }
    Ok(())
}

#[test]
fn a_later_file_that_is_no_capture_is_told_before_the_first_is_read() -> Result<()> {
    let good = File::new("good.pcap", &ethernet(&SHORT.packets()?))?;
    let bad = File::new("bad.pcap", b"no packets here\n")?;
    let picture = good.path().with_extension("svg");
    let outcome = run(&[
        &good.text(),
        &bad.text(),
        "--plot",
        &picture.display().to_string(),
    ])?;
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(
        outcome.stderr.contains("bad.pcap is no pcap"),
        "{outcome:?}"
    );
    assert!(!picture.exists());
    Ok(())
}

#[test]
fn flags_out_of_range_are_refused() -> Result<()> {
    let file = File::new("any.pcap", &ethernet(&[]))?;
    for flags in [
        ["--window", "1ms"],
        ["--syn-rate", "0"],
        ["--ipv4-prefix", "33"],
    ] {
        let outcome = run(&[&[file.text().as_str()][..], &flags].concat())?;
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(flags[0]), "{outcome:?}");
    }
    Ok(())
}

#[test]
fn a_capture_without_packets_is_no_mistake() -> Result<()> {
    let file = File::new("none.pcap", &ethernet(&[]))?;
    let outcome = run(&[&file.text()])?;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("no packets"), "{outcome:?}");
    let report = report(&[&file.text()])?;
    assert!(report["first_packet"].is_null());
    Ok(())
}

#[test]
fn a_picture_is_drawn_and_never_over_a_capture() -> Result<()> {
    let file = File::new("story.pcap", &ethernet(&SHORT.packets()?))?;
    let picture = file.path().with_extension("svg");
    let outcome = run(&[&file.text(), "--plot", &picture.display().to_string()])?;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let drawn = std::fs::read_to_string(&picture)?;
    for words in [
        "<svg",
        "<pattern",
        "rate-limited",
        "5.39.90.132 banned as reflection",
        "37.187.112.166 banned as reflection",
    ] {
        assert!(drawn.contains(words), "{words}: {drawn}");
    }
    let outcome = run(&[&file.text(), "--plot", &file.text()])?;
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(
        std::fs::read(file.path())?.starts_with(&[0x4d, 0x3c]),
        "still a capture"
    );
    let outcome = run(&[&file.text(), "--plot", "/nowhere/out.svg"])?;
    assert!(outcome.stdout.contains("WOULD BE BANNED"), "{outcome:?}");
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(
        outcome
            .stderr
            .contains("/nowhere/out.svg cannot be written"),
        "{outcome:?}"
    );
    Ok(())
}

#[test]
fn a_person_is_told_who_when_and_why() -> Result<()> {
    let file = File::new("story.pcap", &ethernet(&STORY.packets()?))?;
    let outcome = run(&[&file.text()])?;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for words in [
        "Ethernet",
        "2025-11-22T20:00:00.",
        "5.39.90.132",
        "37.187.112.166",
        "reflection",
        "from source port 80",
        "AT SYN/S",
        "1200 handshakes completed",
    ] {
        assert!(
            outcome.stdout.contains(words),
            "{words}: {}",
            outcome.stdout
        );
    }
    Ok(())
}
