//! Captures of real floods, replayed at the interface: what synguard counts is
//! what tshark counts in the same file. Where the machine has no captures, the
//! output says so.

use std::collections::HashMap;
use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::controller::Controller;
use synguard_tests::lab::Lab;
use synguard_tests::real_capture::{Contents, RealCapture};
use synguard_tests::topology::PROVIDER_END;

use crate::support::{bans, number, source, wait_for_status};

const SPOOFED: &str = "pkt.TCP.synflood.spoofed.pcap";
const REFLECTION: &str = "amp.TCP.syn.optionallyACK.optionallysamePort.pcapng";

/// A few seconds for the whole capture, and far above the rate from which on a
/// flood without a heavy source is noticed.
const SPOOFED_PACE: u32 = 4_000;
/// Above that rate as well, and yet not spoofed: few sources send most of it.
const REFLECTION_PACE: u32 = 1_000;

/// As many SYNs in a window as by default, but a window that holds the whole
/// replay even on a machine that stops for seconds: then a source is over its
/// rate exactly when it has more SYNs than that in the file.
const THRESHOLD: [&str; 4] = ["--syn-rate", "5", "--window", "10s"];
const SYNS_IN_A_WINDOW: u64 = 50;

#[test]
fn a_spoofed_flood_is_counted_and_classed_and_bans_nobody() -> Result<()> {
    let Some(capture) = RealCapture::find(SPOOFED)? else {
        return Ok(());
    };
    let expected = capture.contents()?;
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    let replay = capture.replay(&lab.topology, SPOOFED_PACE)?;
    let status = wait_for_status(&lab.synguard, "the class `spoofed`", |status| {
        Ok(status["spoofed"].is_object())
    })?;
    its_numbers_show_why(&status)?;
    controller.wait_for("spoofed flood")?;
    replay.finish()?;

    let status = wait_for_every_frame(&lab, &expected)?;
    counts_are_tsharks(&status, &expected)?;
    ensure!(bans(&status).is_empty(), "{status:#}");
    ensure!(number(&status, "/dropped/total")? == 0, "{status:#}");
    controller.wait_for("spoofed flood is over")?;
    let status = lab.synguard.status()?;
    ensure!(status["spoofed"].is_null(), "{status:#}");
    ensure_promoted(&controller, &HashMap::new())
}

fn its_numbers_show_why(status: &Value) -> Result<()> {
    let flood = status.get("spoofed").context("no `spoofed`")?;
    ensure!(flood["since"].is_string(), "{flood:#}");
    let syns = number(flood, "/syns_per_second")?;
    let sources = number(flood, "/new_sources_per_second")?;
    ensure!(syns > 200, "{flood:#}");
    ensure!(sources * 2 > syns, "few new sources: {flood:#}");
    ensure!(number(flood, "/handshakes_per_second")? == 0, "{flood:#}");
    Ok(())
}

#[test]
fn a_reflection_is_counted_and_its_heavy_sources_are_banned_as_such() -> Result<()> {
    let Some(capture) = RealCapture::find(REFLECTION)? else {
        return Ok(());
    };
    let expected = capture.contents()?;
    let heavy = expected.heavy(SYNS_IN_A_WINDOW);
    ensure!(!heavy.is_empty(), "nobody is heavy: {expected:?}");
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&THRESHOLD)?;
    capture.replay(&lab.topology, REFLECTION_PACE)?.finish()?;
    for source in heavy.keys() {
        let line = controller.wait_for(&format!("promoted {source} "))?;
        ensure!(line.text.contains("as reflection"), "{}", line.text);
    }

    let status = wait_for_every_frame(&lab, &expected)?;
    counts_are_tsharks(&status, &expected)?;
    let mut names: Vec<_> = heavy.keys().map(IpAddr::to_string).collect();
    names.sort();
    ensure!(bans(&status) == names, "{names:?} expected: {status:#}");
    for (source, syns) in &heavy {
        is_banned_as_reflection(&status, *source, *syns)?;
    }
    ensure!(status["spoofed"].is_null(), "{status:#}");
    ensure_promoted(&controller, &heavy)
}

/// Before the ban a SYN is counted with its source, after it with the ban.
fn is_banned_as_reflection(status: &Value, address: IpAddr, syns: u64) -> Result<()> {
    let rules = status["rules"].as_array().context("no rules")?;
    let ban = rules
        .iter()
        .find(|rule| rule["prefix"] == address.to_string());
    let ban = ban.with_context(|| format!("{address} has no rule: {status:#}"))?;
    ensure!(ban["evidence"]["class"] == "reflection", "{ban:#}");
    let record = source(status, &address.to_string()).context("no record")?;
    let counted = number(record, "/syns")? + number(ban, "/hits")?;
    ensure!(
        counted == syns,
        "{counted} of {syns} SYNs: {record:#}\n{ban:#}"
    );
    Ok(())
}

/// XDP sees every frame, whatever its hardware address. Others than those of
/// the capture, as IPv6's neighbour discovery, carry no TCP.
fn wait_for_every_frame(lab: &Lab, expected: &Contents) -> Result<Value> {
    ensure_none_lost(lab)?;
    wait_for_status(&lab.synguard, "every frame", |status| {
        let other = number(status, "/passed/not_tcp")? + number(status, "/passed/not_ip")?;
        Ok(number(status, "/packets")? - other >= expected.frames)
    })
}

/// Else the counts would be too low through no fault of synguard's.
fn ensure_none_lost(lab: &Lab) -> Result<()> {
    let shown = ["-json", "-statistics", "link", "show", "dev", PROVIDER_END];
    let shown = lab.topology.internet.run("ip", &shown)?;
    let links: Value = serde_json::from_str(&shown)?;
    let lost = number(&links, "/0/stats64/tx/dropped")? + number(&links, "/0/stats64/tx/errors")?;
    ensure!(lost == 0, "{lost} frames did not get onto the wire");
    Ok(())
}

fn counts_are_tsharks(status: &Value, expected: &Contents) -> Result<()> {
    for (pointer, expected) in [
        ("/syns", expected.total_syns()),
        ("/sources_tracked", expected.syns.len() as u64),
    ] {
        let counted = number(status, pointer)?;
        ensure!(
            counted == expected,
            "{pointer} is {counted}, tshark has {expected}: {status:#}"
        );
    }
    Ok(())
}

/// These, and nobody else at any time.
fn ensure_promoted(controller: &Controller, expected: &HashMap<IpAddr, u64>) -> Result<()> {
    let log = controller.text();
    let promotions = log.matches("promoted ").count();
    ensure!(promotions == expected.len(), "{log}");
    Ok(())
}
