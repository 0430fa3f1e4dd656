//! `report` of real floods: a complaint about an offender, a notice to a victim,
//! nothing about anybody else. Nobody is looked up here.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use synguard_tests::address::{CONTAINER, VICTIM6, VICTIMS, hardware};
use synguard_tests::controller::Controller;
use synguard_tests::lab::Lab;
use synguard_tests::packet_socket::PacketSocket;
use synguard_tests::seed_packet::{self, Dress, Link};
use synguard_tests::sender::Sender;
use synguard_tests::synguard::Outcome;
use synguard_tests::topology::PROVIDER_END;

use crate::support::{flood_until_banned, number, plan, wait_for_status};

const OFFENDER: [u8; 4] = [8, 8, 4, 4];

/// A lab in which the story's sources are banned.
pub fn with_victims() -> Result<(Lab, Controller)> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    flood_until_banned(&lab, &controller)?;
    Ok((lab, controller))
}

pub fn ensure_contains(text: &str, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(text.contains(part), "no {part:?} in:\n{text}");
    }
    Ok(())
}

fn report(lab: &Lab, arguments: &[&str]) -> Result<Outcome> {
    let all = [&["report", "--offline"], arguments].concat();
    lab.synguard.run(&all)
}

fn written(lab: &Lab, arguments: &[&str]) -> Result<Outcome> {
    let outcome = report(lab, arguments)?;
    ensure!(outcome.code == Some(0), "{arguments:?}: {outcome:?}");
    Ok(outcome)
}

fn ensure_refused(outcome: &Outcome, code: i32, words: &[&str]) -> Result<()> {
    ensure!(outcome.code == Some(code), "not {code}: {outcome:?}");
    ensure!(outcome.stdout.is_empty(), "words on stdout: {outcome:?}");
    ensure_contains(&outcome.stderr, words)
}

#[test]
fn a_victim_gets_a_notice() -> Result<()> {
    let (lab, _controller) = with_victims()?;
    let [victim, _] = VICTIMS.map(|victim| victim.to_string());
    let mail = written(&lab, &[&victim])?;
    ensure_contains(
        &mail.stdout,
        &[
            "\nSubject: Notice: 5.39.90.132 is being forged",
            "not a complaint",
            "Source port     : 80, always\n",
            "Class           : reflection (the address is probably a spoofed",
            "Handshakes      : 0 completed\n",
            "Banned          : 5.39.90.132, SYNs, since ",
            &format!("Seen on         : {}\n", lab.synguard.uplink),
            "Made by    : SynGuard 0.",
        ],
    )?;
    ensure!(mail.stdout.starts_with("To:\n"), "{}", mail.stdout);
    for accusation in ["Abuse report", "flooded", "flooding", "stop it"] {
        ensure!(!mail.stdout.contains(accusation), "{}", mail.stdout);
    }
    ensure_contains(
        &mail.stderr,
        &["probably a victim", "--offline", "nothing was sent"],
    )?;

    let xarf = ["--format", "xarf", "--reporter", "me@home.example"];
    let xarf = [&[victim.as_str()], &xarf[..]].concat();
    ensure_refused(&report(&lab, &xarf)?, 7, &["victim", "--force"])?;
    let forced = written(&lab, &[&xarf[..], &["--force"]].concat())?;
    ensure_contains(&forced.stderr, &["you accuse it by --force"])?;
    let forced: Value = serde_json::from_str(&forced.stdout)?;
    ensure!(forced["source_port"] == 80, "{forced:#}");
    let forced = written(&lab, &[&victim, "--force"])?;
    ensure_contains(&forced.stdout, &["Abuse report", "may be forged"])
}

/// From ever new source ports, too fast to be meant for anybody else. The checksums
/// are wrong, for which the filter does not look.
fn flood(lab: &Lab) -> Result<()> {
    let link = Link {
        from: hardware::PROVIDER.0,
        to: hardware::UPLINK.0,
    };
    let (from, to) = (OFFENDER.into(), CONTAINER.into());
    let plain = seed_packet::build(link, Dress::PLAIN, from, to, 25, 7)?;
    let frames: Vec<_> = (0..200_u16)
        .map(|number| {
            let mut frame = plain.clone();
            frame[34..36].copy_from_slice(&(40_000 + number).to_be_bytes());
            frame
        })
        .collect();
    let socket = PacketSocket::sender(&lab.topology.internet, PROVIDER_END)?;
    let sent = (0..20).try_fold(0, |sent, _| {
        socket.send_all(&frames).map(|more| sent + more)
    })?;
    ensure!(sent >= 1_000, "only {sent} went out");
    Ok(())
}

#[test]
fn an_offender_gets_a_complaint() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    flood(&lab)?;
    controller.wait_for("promoted 8.8.4.4 ")?;
    flood(&lab)?;
    wait_for_status(&lab.synguard, "drops by ban", |status| {
        Ok(number(status, "/dropped/banned")? > 0)
    })?;
    let signed = [
        "8.8.4.4",
        "--reporter",
        "moi@maison.example",
        "--organisation",
        "Chez René",
    ];
    let hit = ["--destination", "9.9.9.9"];
    let mail = written(&lab, &[&signed[..], &hit].concat())?.stdout;
    ensure_contains(
        &mail,
        &[
            "From: =?utf-8?B?",
            "Subject: Abuse report: TCP SYN flood from 8.8.4.4, 20",
            "flooded our server with TCP SYNs.",
            "Destination     : 9.9.9.9\n",
            "Destination port: 25\n",
            "Source port     : 40000 and others\n",
            "Chez René\nmoi@maison.example\n",
        ],
    )?;
    let xarf = [&signed[..], &hit, &["--format", "xarf"]].concat();
    let xarf: Value = serde_json::from_str(&written(&lab, &xarf)?.stdout)?;
    for (pointer, expected) in [
        ("/source_identifier", "8.8.4.4"),
        ("/category", "connection"),
        ("/type", "ddos"),
        ("/protocol", "tcp"),
        ("/destination_ip", "9.9.9.9"),
        ("/reporter/org", "Chez René"),
        ("/sender/domain", "maison.example"),
    ] {
        let found = xarf.pointer(pointer).and_then(Value::as_str);
        ensure!(found == Some(expected), "{pointer} in {xarf:#}");
    }
    // That of the newest packet that was kept, or the first one seen.
    let port = xarf["source_port"].as_u64().context("no port")?;
    ensure!(
        (40_000..40_200).contains(&port) && xarf["destination_port"] == 25,
        "{xarf:#}"
    );
    ensure!(xarf["mitigation_applied"] == true, "{xarf:#}");

    let markdown = written(&lab, &["8.8.4.4", "--format", "markdown"])?.stdout;
    ensure_contains(
        &markdown,
        &["# Abuse report", "| Mailbox | - |", "--offline |"],
    )?;
    json_agrees(&lab, &xarf)
}

fn json_agrees(lab: &Lab, xarf: &Value) -> Result<()> {
    let json: Value = serde_json::from_str(&written(lab, &["8.8.4.4", "--json"])?.stdout)?;
    let seen = json.pointer("/evidence/0").context("no evidence")?;
    ensure!(
        json["schema_version"] == 1 && json["letter"] == "complaint",
        "{json:#}"
    );
    ensure!(
        seen["class"] == "flood" && seen["first_seen"] == xarf["first_seen"],
        "{json:#}"
    );
    ensure!(
        number(seen, "/syns")? >= 1_000 && number(seen, "/handshakes")? == 0,
        "{json:#}"
    );
    ensure!(
        json["contact"]["emails"] == Value::Array(Vec::new()),
        "{json:#}"
    );
    let payloads = xarf["evidence"].as_array().context("no list")?;
    for item in payloads {
        STANDARD.decode(item["payload"].as_str().unwrap_or("?"))?;
    }
    Ok(())
}

#[test]
fn an_ipv6_source_is_reported_by_its_prefix() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    Sender::start(&lab.topology, &plan(&[VICTIM6.into()], 1_000, 2_000))?.finish()?;
    controller.wait_for("promoted 2001:db8:bad::/64 ")?;
    let by_address = written(&lab, &["2001:db8:bad::1"])?;
    let counted = "2001:db8:bad::1, counted with all of 2001:db8:bad::/64";
    ensure_contains(&by_address.stdout, &[counted])?;
    let by_prefix = written(&lab, &["2001:db8:bad::/64"])?;
    ensure_contains(
        &by_prefix.stdout,
        &["Source          : 2001:db8:bad::/64\n"],
    )?;
    // Nobody is asked about such an address, so this goes nowhere either.
    let reserved = lab.synguard.run(&["report", "2001:db8:bad::1"])?;
    ensure!(reserved.code == Some(0), "{reserved:?}");
    ensure_contains(
        &reserved.stderr,
        &["not looked up", "documentation (RFC 3849)"],
    )
}

#[test]
fn nothing_is_said_of_who_did_nothing() -> Result<()> {
    let lab = Lab::without_services()?;
    let no_filter = report(&lab, &["5.39.90.132"])?;
    ensure_refused(&no_filter, 3, &["attach"])?;
    let _controller = lab.synguard.attach(&[])?;
    let unknown = report(&lab, &["5.39.90.132"])?;
    ensure_refused(
        &unknown,
        3,
        &["no such source", "5.39.90.132", "synguard status"],
    )?;

    Sender::start(&lab.topology, &plan(&[VICTIMS[0].into()], 10, 3))?.finish()?;
    wait_for_status(&lab.synguard, "a few SYNs", |status| {
        Ok(number(status, "/syns")? == 3)
    })?;
    let innocent = report(&lab, &["5.39.90.132"])?;
    ensure_refused(&innocent, 7, &["3 SYNs", "--force"])?;

    for arguments in [
        &[][..],
        &["example.org"],
        &["5.39.0.0/16"],
        &["5.39.90.132", "--format", "pdf"],
        &["5.39.90.132", "--json", "--format", "xarf"],
        &["5.39.90.132", "--reporter", "nobody"],
        &["5.39.90.132", "--reporter", "a@b.example\nBcc: c@d.example"],
        &["5.39.90.132", "--organisation", "Me"],
        &["5.39.90.132", "--rdap-bootstrap", "ftp://192.0.2.1/"],
        &["5.39.90.132", "--whois", "a b"],
        &["5.39.90.132", "--force", "--format", "xarf"],
    ] {
        let refused = report(&lab, arguments)?;
        ensure!(!refused.stderr.is_empty(), "{arguments:?} says nothing");
        ensure_refused(&refused, 2, &[]).with_context(|| format!("{arguments:?}"))?;
    }
    Ok(())
}

#[test]
fn a_dry_run_claims_to_have_dropped_nothing() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&["--dry-run"])?;
    flood_until_banned(&lab, &controller)?;
    let mail = written(&lab, &["5.39.90.132"])?.stdout;
    ensure_contains(
        &mail,
        &["(SynGuard dropped none, and would", "\nWould be banned"],
    )?;
    ensure!(!mail.contains("We drop these SYNs"), "{mail}");
    Ok(())
}
