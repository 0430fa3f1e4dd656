//! Captures of real floods. Where the machine has none, the output says so.

use anyhow::{Context, Result};
use synguard_tests::real_capture::{Contents, RealCapture};

use crate::support::{File, bans, ethernet, number, paced, report};

pub const SPOOFED: &str = "pkt.TCP.synflood.spoofed.pcap";
pub const REFLECTION: &str = "amp.TCP.syn.optionallyACK.optionallysamePort.pcapng";

/// More than this many SYNs within a window make a heavy source.
pub const SYNS_IN_A_WINDOW: u64 = 50;

fn counts_are_tsharks(report: &serde_json::Value, expected: &Contents) -> Result<()> {
    for (pointer, expected) in [
        ("/packets", expected.frames),
        ("/syns", expected.total_syns()),
        ("/sources_tracked", expected.syns.len() as u64),
    ] {
        assert_eq!(number(report, pointer)?, expected, "{pointer}: {report:#}");
    }
    Ok(())
}

#[test]
fn a_spoofed_flood_is_classed_and_bans_nobody() -> Result<()> {
    let Some(capture) = RealCapture::find(SPOOFED)? else {
        return Ok(());
    };
    let report = report(&[&capture.path().display().to_string()])?;
    counts_are_tsharks(&report, &capture.contents()?)?;
    assert!(bans(&report).is_empty(), "{report:#}");
    assert_eq!(number(&report, "/dropped/total")?, 0);
    let spoofed = report["spoofed"].as_array().context("no floods")?;
    assert_eq!(spoofed.len(), 1, "{report:#}");
    let syns = number(&spoofed[0], "/syns_per_second")?;
    let new = number(&spoofed[0], "/new_sources_per_second")?;
    assert!(syns > 1000 && new * 2 > syns, "{report:#}");
    Ok(())
}

/// In its own time this capture has a SYN every five seconds from its busiest source,
/// and nobody to ban.
#[test]
fn a_slow_reflection_bans_nobody_in_its_own_time() -> Result<()> {
    let Some(capture) = RealCapture::find(REFLECTION)? else {
        return Ok(());
    };
    let report = report(&[&capture.path().display().to_string()])?;
    counts_are_tsharks(&report, &capture.contents()?)?;
    assert!(bans(&report).is_empty(), "{report:#}");
    assert_eq!(report["spoofed"].as_array().map(Vec::len), Some(0));
    Ok(())
}

/// The same at a thousand packets a second, as it is sent in the end-to-end case.
#[test]
fn a_fast_reflection_bans_exactly_its_heavy_sources_as_such() -> Result<()> {
    let Some(capture) = RealCapture::find(REFLECTION)? else {
        return Ok(());
    };
    let expected = capture.contents()?;
    let file = File::new("fast.pcap", &ethernet(&paced(&capture, 1000)?))?;
    let report = report(&[&file.text(), "--syn-rate", "5", "--window", "10s"])?;
    counts_are_tsharks(&report, &expected)?;
    let mut heavy: Vec<_> = expected
        .heavy(SYNS_IN_A_WINDOW)
        .keys()
        .map(|source| (source.to_string(), "reflection".to_owned()))
        .collect();
    heavy.sort();
    assert_eq!(heavy.len(), 2);
    assert_eq!(bans(&report), heavy, "{report:#}");
    Ok(())
}
