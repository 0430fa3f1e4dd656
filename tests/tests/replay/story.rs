//! The story's attack, replayed: whom it bans, as what, and at which thresholds.

use anyhow::{Result, ensure};
use serde_json::Value;
use synguard_tests::address::{VICTIMS, client};
use synguard_tests::seed_attack::{Attack, STORY};

use crate::support::{File, bans, ethernet, number, report};

fn replayed(attack: &Attack, flags: &[&str]) -> Result<Value> {
    let file = File::new("story.pcap", &ethernet(&attack.packets()?))?;
    let name = file.text();
    report(&[&[name.as_str()], flags].concat())
}

fn victims_as_reflection() -> Vec<(String, String)> {
    let mut bans = VICTIMS.map(|victim| (victim.to_string(), "reflection".to_owned()));
    bans.sort();
    bans.to_vec()
}

#[test]
fn both_victims_are_banned_as_reflection_and_no_client_is() -> Result<()> {
    for two_sided in [true, false] {
        let attack = Attack { two_sided, ..STORY };
        let report = replayed(&attack, &[])?;
        assert_eq!(bans(&report), victims_as_reflection(), "{report:#}");
        let connections = attack.clients as u64 * attack.per_client * attack.seconds;
        assert_eq!(number(&report, "/handshakes/completed")?, connections);
        assert_eq!(report["handshakes"]["answers_seen"], two_sided);
        evidence_is_the_storys(&report)?;
        dropped_from_then_on(&attack, &report)?;
    }
    Ok(())
}

fn evidence_is_the_storys(report: &Value) -> Result<()> {
    for ban in report["bans"].as_array().into_iter().flatten() {
        let evidence = &ban["evidence"];
        ensure!(evidence["source_port"] == 80, "{ban:#}");
        let ports = evidence["destination_ports"].as_array();
        let mut ports: Vec<_> = ports
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .collect();
        ports.sort_unstable();
        ensure!(ports == [25, 80, 443], "{ban:#}");
        ensure!(number(evidence, "/handshakes")? == 0, "{ban:#}");
        // Ten times the rate is banned at once: within a quarter of a second here.
        let since = ban["since"].as_str().unwrap_or_default();
        ensure!(since.starts_with("2025-11-22T20:00:00.2"), "{ban:#}");
        ensure!(
            ban["until"]
                .as_str()
                .unwrap_or_default()
                .starts_with("2025-11-22T20:10:00.2")
        );
    }
    Ok(())
}

/// A source that is banned anew before anybody has looked whether its ban is over.
#[test]
fn each_ban_counts_its_own_packets() -> Result<()> {
    let attack = Attack {
        seconds: 10,
        clients: 0,
        ..STORY
    };
    let report = replayed(&attack, &["--ban-time", "2s", "--ban-scope", "all"])?;
    let bans: Vec<_> = report["bans"].as_array().into_iter().flatten().collect();
    assert_eq!(bans.len(), 6, "{report:#}");
    let dropped: u64 = bans.iter().filter_map(|ban| ban["dropped"].as_u64()).sum();
    assert_eq!(dropped, number(&report, "/dropped/banned")?, "{report:#}");
    let open = bans.iter().filter(|ban| ban["ended"].is_null()).count();
    assert_eq!(open, 2, "{report:#}");
    Ok(())
}

/// Nothing was dropped when it was captured: what a ban would have dropped is in the
/// file, and is counted as dropped.
fn dropped_from_then_on(attack: &Attack, report: &Value) -> Result<()> {
    let spoofed = 2 * attack.per_victim * attack.seconds;
    let total = number(report, "/dropped/total")?;
    let banned = number(report, "/dropped/banned")?;
    let by_ban: u64 = report["bans"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|ban| ban["dropped"].as_u64())
        .sum();
    ensure!(banned == by_ban, "{report:#}");
    ensure!(banned > spoofed * 9 / 10, "{report:#}");
    // 50 each got through, in the one window before the bans.
    ensure!(total == spoofed - 100, "{total} of {spoofed}");
    Ok(())
}

#[test]
fn the_table_shows_that_no_client_is_lost_at_any_threshold() -> Result<()> {
    let report = replayed(&STORY, &[])?;
    let rows = report["thresholds"].as_array().cloned().unwrap_or_default();
    assert!(rows.len() > 6, "{report:#}");
    for row in &rows {
        let rate = number(row, "/syn_rate")?;
        let banned = if rate < STORY.per_victim { 2 } else { 0 };
        assert_eq!(number(row, "/banned")?, banned, "{row}");
        assert_eq!(number(row, "/banned_with_handshakes")?, 0, "{row}");
        let spared = if rate < STORY.per_client { 4 } else { 0 };
        assert_eq!(number(row, "/spared")?, spared, "{row}");
    }
    let in_force: Vec<_> = rows.iter().filter(|row| row["in_force"] == true).collect();
    assert!(
        matches!(in_force[..], [row] if row["syn_rate"] == 50),
        "{rows:?}"
    );
    Ok(())
}

#[test]
fn clients_that_do_not_complete_are_told_in_the_table() -> Result<()> {
    let attack = STORY;
    let mut packets = attack.packets()?;
    // Another client, of whom the capture shows one ACK in ten.
    let slow = client(7);
    let mut number_of = 0_u64;
    let lonely = Attack {
        clients: 8,
        per_victim: 1,
        ..attack
    };
    let own = lonely.packets()?.into_iter().filter(|packet| {
        let (source, destination) = (&packet.data[26..30], &packet.data[30..34]);
        if destination == slow.octets() {
            return true;
        }
        let ours = source == slow.octets();
        let ack = packet.data[47] == 0x10;
        number_of += u64::from(ours && ack);
        ours && (!ack || number_of.is_multiple_of(10))
    });
    packets.extend(own);
    packets.sort_by_key(|packet| packet.nanos);
    let file = File::new("lossy.pcap", &ethernet(&packets))?;
    let report = report(&[&file.text()])?;
    let rows = report["thresholds"].as_array().cloned().unwrap_or_default();
    for row in rows
        .iter()
        .filter(|row| row["syn_rate"].as_u64() < Some(60))
    {
        assert_eq!(number(row, "/banned")?, 3, "{row}");
        assert_eq!(number(row, "/banned_with_handshakes")?, 1, "{row}");
    }
    Ok(())
}

#[test]
fn flags_change_the_decision() -> Result<()> {
    for (flags, count) in [
        (&["--syn-rate", "3000"][..], 0),
        (&["--syn-rate", "3000", "--ipv4-prefix", "8"], 0),
        (&["--syn-rate", "2000", "--window", "2s"], 2),
        (&["--syn-rate", "2000", "--window", "10s"], 0),
    ] {
        let report = replayed(&STORY, flags)?;
        assert_eq!(bans(&report).len(), count, "{flags:?}: {report:#}");
    }
    let report = replayed(&STORY, &["--ipv4-prefix", "16"])?;
    let mut nets: Vec<_> = bans(&report).into_iter().map(|(net, _)| net).collect();
    nets.sort();
    assert_eq!(nets, ["37.187.0.0/16", "5.39.0.0/16"]);
    Ok(())
}

#[test]
fn bans_end_and_double_by_the_captures_clock() -> Result<()> {
    let attack = Attack {
        seconds: 20,
        per_victim: 600,
        clients: 0,
        ..STORY
    };
    let report = replayed(&attack, &["--ban-time", "2s"])?;
    let [first, ..] = VICTIMS;
    let mine: Vec<_> = report["bans"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|ban| ban["source"] == first.to_string())
        .collect();
    let offences: Vec<_> = mine
        .iter()
        .filter_map(|ban| ban["evidence"]["offences"].as_u64())
        .collect();
    assert_eq!(offences, [1, 2, 3, 4], "{report:#}");
    let ended: Vec<_> = mine.iter().map(|ban| ban["ended"].as_str()).collect();
    assert_eq!(
        ended,
        [Some("expired"), Some("expired"), Some("expired"), None],
        "{report:#}"
    );
    for (ban, seconds) in mine.iter().zip([2, 4, 8, 16]) {
        let moment = |field: &str| humantime::parse_rfc3339(ban[field].as_str().unwrap_or(""));
        let lasted = moment("until")?.duration_since(moment("since")?)?;
        assert_eq!(lasted.as_secs(), seconds, "{ban:#}");
    }
    Ok(())
}

#[test]
fn stamps_out_of_order_and_clocks_set_back_change_no_ban() -> Result<()> {
    let mut packets = STORY.packets()?;
    for pair in packets.chunks_exact_mut(2) {
        let [first, second] = pair else { continue };
        std::mem::swap(&mut first.nanos, &mut second.nanos);
    }
    let file = File::new("swapped.pcap", &ethernet(&packets))?;
    let swapped = report(&[&file.text()])?;
    assert_eq!(bans(&swapped), victims_as_reflection());
    assert!(number(&swapped, "/reordered")? > packets.len() as u64 / 3);

    let mut packets = STORY.packets()?;
    let half = packets.len() / 2;
    for packet in &mut packets[half..] {
        packet.nanos -= 3_600_000_000_000;
    }
    let file = File::new("set_back.pcap", &ethernet(&packets))?;
    let set_back = report(&[&file.text()])?;
    assert_eq!(bans(&set_back), victims_as_reflection());
    assert_eq!(number(&set_back, "/clock_set_back")?, 1);
    Ok(())
}
