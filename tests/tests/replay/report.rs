//! `synguard report --capture`: notices to the victims of the story and of a real
//! flood, a complaint about an offender, nothing about a client. Nobody is looked up
//! here.

use anyhow::{Result, ensure};
use serde_json::Value;
use synguard_tests::address::{CONTAINER, VICTIMS, client};
use synguard_tests::capture_file::{Captured, Kind, Order, link_type, pcap};
use synguard_tests::program;
use synguard_tests::real_capture::RealCapture;
use synguard_tests::seed_attack::{Attack, BEGIN, Flags, STORY, segment};
use synguard_tests::synguard::{Outcome, binary, outcome};

use crate::real::{REFLECTION, SPOOFED, SYNS_IN_A_WINDOW};
use crate::support::{File, ethernet, number, paced};

/// What a letter to a victim never says, and what only a filter on an interface may.
const NEVER: [&str; 8] = [
    "Abuse report",
    "flooded",
    "flooding",
    "stop it",
    "We drop",
    "dropped by SynGuard",
    "Banned  ",
    "so far",
];

/// Without any capability, as an analyst runs it.
fn run(arguments: &[&str]) -> Result<Outcome> {
    let mut command = program::command("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all"]);
    command.arg(binary()?).args(["report", "--offline"]);
    outcome(command.args(arguments).env("NO_COLOR", "1"))
}

fn written(arguments: &[&str]) -> Result<String> {
    let outcome = run(arguments)?;
    ensure!(outcome.code == Some(0), "{arguments:?}: {outcome:?}");
    ensure!(
        outcome.stderr.contains("nothing was sent"),
        "{arguments:?}: {outcome:?}"
    );
    Ok(outcome.stdout)
}

fn json(arguments: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&written(
        &[arguments, &["--json"]].concat(),
    )?)?)
}

fn ensure_contains(text: &str, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(text.contains(part), "no {part:?} in:\n{text}");
    }
    Ok(())
}

fn ensure_refused(outcome: &Outcome, code: i32, words: &[&str]) -> Result<()> {
    ensure!(outcome.code == Some(code), "not {code}: {outcome:?}");
    ensure!(outcome.stdout.is_empty(), "words on stdout: {outcome:?}");
    ensure_contains(&outcome.stderr, words)
}

fn story() -> Result<File> {
    File::new("story.pcap", &ethernet(&STORY.packets()?))
}

#[test]
fn the_storys_victims_get_a_notice_that_claims_no_drop() -> Result<()> {
    let file = story()?;
    for victim in VICTIMS.map(|victim| victim.to_string()) {
        for format in ["mail", "markdown"] {
            let arguments = [&victim, "--capture", &file.text(), "--format", format];
            let letter = written(&arguments)?;
            for part in NEVER {
                ensure!(!letter.contains(part), "{part:?} in:\n{letter}");
            }
            ensure_contains(
                &letter,
                &[&format!("Notice: {victim} was forged as the source")],
            )?;
            ensure_contains(
                &letter,
                &["not a complaint", "Would be banned", "reflection"],
            )?;
            ensure!(!letter.contains(&*file.path().parent().unwrap().to_string_lossy()));
        }
        let mail = written(&[&victim, "--capture", &file.text()])?;
        ensure_contains(
            &mail,
            &[
                "Source port     : 80, always\n",
                "Destination port: 25 (3584 SYNs), 80 (3583 SYNs), 443 (3583 SYNs)\n",
                "First seen      : 2025-11-22T20:00:00Z\n",
                "Last seen       : 2025-11-22T20:00:04Z\n",
                "SynGuard dropped none, and would have dropped\n                  10700)",
                "at least 2150",
                "Handshakes      : 0 completed\n",
                "Would-be bans   : 1\n",
                "Seen in         : story.pcap\n",
                &format!("Z {victim}:80 > {CONTAINER}:25 SYN seq 0 "),
            ],
        )?;
    }
    Ok(())
}

#[test]
fn a_victim_is_accused_by_force_alone() -> Result<()> {
    let file = story()?;
    let [victim, _] = VICTIMS.map(|victim| victim.to_string());
    let capture = ["--capture", &file.text()];
    let xarf = ["--format", "xarf", "--reporter", "me@home.example"];
    let xarf = [&[victim.as_str()], &xarf[..], &capture].concat();
    ensure_refused(&run(&xarf)?, 7, &["victim", "--force"])?;
    let forced: Value = serde_json::from_str(&written(&[&["--force"], &xarf[..]].concat())?)?;
    ensure!(forced["source_port"] == 80, "{forced:#}");
    ensure!(
        forced["evidence_source"] == "traffic_monitoring",
        "{forced:#}"
    );
    ensure!(forced.get("mitigation_applied").is_none(), "{forced:#}");
    ensure!(forced["first_seen"] == "2025-11-22T20:00:00Z", "{forced:#}");
    let mail = written(&[&["--force", &victim], &capture[..]].concat())?;
    ensure_contains(&mail, &["Abuse report", "may be forged"])
}

#[test]
fn what_is_counted_is_what_is_in_the_capture() -> Result<()> {
    let file = story()?;
    let [victim, _] = VICTIMS.map(|victim| victim.to_string());
    let report = json(&[&victim, "--capture", &file.text()])?;
    let seen = &report["evidence"][0];
    let syns = STORY.per_victim * STORY.seconds;
    for (pointer, expected) in [
        ("/syns", syns),
        ("/dropped", 0),
        // 50 got through before the ban.
        ("/would_have_dropped", syns - 50),
        ("/peak_syns_per_second", STORY.per_victim),
        ("/handshakes", 0),
        ("/distinct_destination_ports", 3),
        ("/source_ports/0/syns", syns),
        ("/offences", 1),
    ] {
        assert_eq!(number(seen, pointer)?, expected, "{pointer}: {seen:#}");
    }
    assert_eq!(seen["place"], "capture");
    assert_eq!(seen["present_syns_per_second"], Value::Null);
    assert_eq!(seen["source_port_varies"], false);
    assert_eq!(seen["rules"][0]["enforced"], false);
    assert_eq!(seen["samples"].as_array().map(Vec::len), Some(5));
    assert_eq!(seen["samples"][0]["time"], "2025-11-22T20:00:00.000000Z");
    let ports = seen["destination_ports"].as_array().into_iter().flatten();
    let by_port: u64 = ports.filter_map(|port| port["syns"].as_u64()).sum();
    assert_eq!(by_port, syns, "{seen:#}");
    Ok(())
}

#[test]
fn nothing_is_said_of_who_did_nothing() -> Result<()> {
    let file = story()?;
    let honest = client(0).to_string();
    let capture = ["--capture", &file.text()];
    let innocent = run(&[&[honest.as_str()], &capture[..]].concat())?;
    ensure_refused(
        &innocent,
        7,
        &[
            "300 SYNs",
            "300 handshakes completed",
            "--syn-rate",
            "--force",
        ],
    )?;
    let unknown = run(&[&["203.0.113.9"], &capture[..]].concat())?;
    ensure_refused(
        &unknown,
        3,
        &[
            "story.pcap shows no SYN from 203.0.113.9",
            "synguard replay",
        ],
    )?;
    let many = run(&[&["5.39.0.0/16"], &capture[..]].concat())?;
    ensure_refused(&many, 2, &["holds many sources"])
}

/// From ever new source ports, too fast to be meant for anybody else.
#[test]
fn an_offender_gets_a_complaint() -> Result<()> {
    let syn = |n: u16| {
        let from = ("8.8.4.4".parse()?, 40_000 + n % 20_000);
        let data = segment(from, ("9.9.9.9".parse()?, 25), Flags::Syn, n.into(), 0)?;
        Ok(Captured::whole(BEGIN + u64::from(n) * 200_000, data))
    };
    let packets = (0..30_000).map(syn).collect::<Result<Vec<_>>>()?;
    let file = File::new("flood.pcap", &ethernet(&packets))?;
    let signed = ["8.8.4.4", "--reporter", "me@home.example"];
    let capture = ["--capture", &file.text()];
    let mail = written(&[&signed[..], &capture].concat())?;
    ensure_contains(
        &mail,
        &[
            "Subject: Abuse report: TCP SYN flood from 8.8.4.4, 2025-11-22T20:00:00Z\n",
            "flooded our server with TCP SYNs.",
            "40000 (2 SYNs), 40001 (2 SYNs), 40002 (2 SYNs), 40003 (2\n",
            "Destination     : 9.9.9.9\n",
            "Class           : flood",
        ],
    )?;
    let xarf = [&signed[..], &["--format", "xarf"], &capture].concat();
    let xarf: Value = serde_json::from_str(&written(&xarf)?)?;
    ensure!(xarf["destination_ip"] == "9.9.9.9", "{xarf:#}");
    ensure!(xarf["type"] == "ddos", "{xarf:#}");
    ensure!(xarf["peak_pps"] == 5000, "{xarf:#}");
    ensure!(
        xarf["evidence"].as_array().map(Vec::len) == Some(5),
        "{xarf:#}"
    );
    // By how attach would be told to detect.
    let lenient = [&signed[..], &["--syn-rate", "6000"], &capture].concat();
    ensure_refused(&run(&lenient)?, 7, &["no ban"])
}

#[test]
fn damage_is_told_and_what_stands_before_it_is_used() -> Result<()> {
    let mut bytes = ethernet(&STORY.packets()?);
    bytes.truncate(bytes.len() - 7);
    let file = File::new("cut.pcap", &bytes)?;
    let [victim, _] = VICTIMS.map(|victim| victim.to_string());
    let picture = file.path().with_extension("svg").display().to_string();
    let cut = run(&[&victim, "--capture", &file.text(), "--plot", &picture])?;
    ensure!(cut.code == Some(8), "{cut:?}");
    ensure_contains(&cut.stdout, &["not a complaint", "Would be banned"])?;
    ensure_contains(
        &cut.stderr,
        &[
            "cut.pcap is damaged at packet ",
            "everything before it was used",
        ],
    )?;
    ensure!(std::fs::read_to_string(&picture)?.contains("<svg"));
    // Of who may come behind the damage, nothing is known.
    let unseen = run(&["203.0.113.9", "--capture", &file.text()])?;
    ensure_refused(&unseen, 8, &["cut.pcap is damaged at packet "])?;
    let honest = run(&[&client(0).to_string(), "--capture", &file.text()])?;
    ensure_refused(&honest, 7, &["cut.pcap is damaged at packet ", "--force"])?;
    let text = File::new("notes.txt", b"no packets here\n")?;
    let text = run(&[&victim, "--capture", &text.text()])?;
    ensure_refused(&text, 2, &["notes.txt is no pcap"])
}

#[test]
fn the_picture_shows_one_source() -> Result<()> {
    let file = story()?;
    let picture = file.path().with_extension("svg").display().to_string();
    let [victim, other] = VICTIMS.map(|victim| victim.to_string());
    written(&[&victim, "--capture", &file.text(), "--plot", &picture])?;
    let drawn = std::fs::read_to_string(&picture)?;
    ensure_contains(
        &drawn,
        &[
            "5.39.90.132 in story.pcap: what SynGuard would have done",
            "<pattern",
            "rate-limited",
            "SYNs per second",
            "5.39.90.132 banned as reflection",
        ],
    )?;
    ensure!(!drawn.contains(&other), "{drawn}");
    // 2,150 a second: the axis ends at the next round number.
    ensure!(
        drawn.contains("2,500") || drawn.contains("3,000"),
        "{drawn}"
    );
    Ok(())
}

#[test]
fn flags_that_go_without_a_capture_for_nothing_are_refused() -> Result<()> {
    let file = story()?;
    for (flags, words) in [
        (&["--plot", "out.svg"][..], "--capture"),
        (&["--syn-rate", "5"], "--capture"),
        (&["--window", "10s"], "--capture"),
        (&["--capture", &file.text(), "--iface", "eth0"], "--iface"),
        (
            &["--capture", &file.text(), "--plot", &file.text()],
            "is a capture",
        ),
        (&["--capture", &file.text(), "--window", "1ms"], "--window"),
        (&["--capture", "/nowhere/a.pcap"], "/nowhere/a.pcap"),
    ] {
        let refused = run(&[&["5.39.90.132"], flags].concat())?;
        ensure_refused(&refused, 2, &[words])?;
    }
    Ok(())
}

/// Raw IP: what stands before the packets is made up, and the report says so.
#[test]
fn packets_without_an_ethernet_header_are_samples_all_the_same() -> Result<()> {
    let raw = STORY.packets()?.into_iter().map(|packet| {
        let data = packet.data[14..].to_vec();
        Captured::whole(packet.nanos, data)
    });
    let raw: Vec<_> = raw.collect();
    let file = pcap(Kind::Nanos, Order::Big, link_type::RAW, &raw);
    let file = File::new("raw.pcap", &file)?;
    let markdown = ["5.39.90.132", "--format", "markdown", "--capture"];
    let markdown = written(&[&markdown[..], &[&file.text()]].concat())?;
    ensure_contains(
        &markdown,
        &[
            "zeros where the capture has no link addresses",
            "5.39.90.132:80 > 192.168.0.2:25 SYN",
            "\n    0000000000000000000000000800450000",
        ],
    )
}

/// A snap length that leaves what decides and no more.
#[test]
fn packets_cut_within_their_options_are_counted_and_said_to_be_cut() -> Result<()> {
    let story = STORY.packets()?.into_iter();
    let cut: Vec<_> = story.map(|packet| packet.cut(54)).collect();
    let file = File::new("short.pcap", &ethernet(&cut))?;
    let mail = written(&["5.39.90.132", "--capture", &file.text()])?;
    ensure_contains(
        &mail,
        &[
            "SYNs            : 10750 ",
            "Z a frame without a readable TCP header, 54 bytes\n",
        ],
    )
}

#[test]
fn the_parts_of_a_capture_are_one() -> Result<()> {
    let packets = STORY.packets()?;
    let (first, second) = packets.split_at(packets.len() / 2);
    let whole = story()?;
    let first = File::new("part0.pcap", &ethernet(first))?;
    let second = File::new("part1.pcap", &ethernet(second))?;
    let mut expected = json(&["5.39.90.132", "--capture", &whole.text()])?;
    let mut parts = json(&["5.39.90.132", "--capture", &first.text(), &second.text()])?;
    assert_eq!(parts["evidence"][0]["seen_by"], "part0.pcap, part1.pcap");
    for report in [&mut expected, &mut parts] {
        report["made_at"].take();
        report["evidence"][0]["seen_by"].take();
    }
    assert_eq!(parts, expected);
    Ok(())
}

/// Of a ban that ends and comes again, each one is told, and clients stay clients.
#[test]
fn every_ban_is_told() -> Result<()> {
    let attack = Attack {
        seconds: 10,
        clients: 0,
        ..STORY
    };
    let file = File::new("long.pcap", &ethernet(&attack.packets()?))?;
    let report = json(&["5.39.90.132", "--ban-time", "2s", "--capture", &file.text()])?;
    let seen = &report["evidence"][0];
    let rules = seen["rules"].as_array().cloned().unwrap_or_default();
    assert_eq!(rules.len(), 3, "{seen:#}");
    assert_eq!(number(seen, "/offences")?, 3);
    let hits: u64 = rules.iter().filter_map(|rule| rule["hits"].as_u64()).sum();
    ensure!(hits <= number(seen, "/would_have_dropped")?, "{seen:#}");
    assert_eq!(seen["class"], "reflection");
    Ok(())
}

#[test]
fn a_real_reflections_heavy_sources_get_notices() -> Result<()> {
    let Some(capture) = RealCapture::find(REFLECTION)? else {
        return Ok(());
    };
    let file = File::new("fast.pcap", &ethernet(&paced(&capture, 1000)?))?;
    let heavy = capture.contents()?.heavy(SYNS_IN_A_WINDOW);
    assert_eq!(heavy.len(), 2);
    for (source, syns) in heavy {
        let source = source.to_string();
        let strict = [
            "--syn-rate",
            "5",
            "--window",
            "10s",
            "--capture",
            &file.text(),
        ];
        let arguments = [&[source.as_str()], &strict[..]].concat();
        let mail = written(&arguments)?;
        ensure_contains(&mail, &["not a complaint", "Class           : reflection"])?;
        for part in NEVER {
            ensure!(!mail.contains(part), "{part:?} in:\n{mail}");
        }
        let report = json(&arguments)?;
        assert_eq!(report["letter"], "notice");
        assert_eq!(number(&report, "/evidence/0/syns")?, syns, "{report:#}");
    }
    Ok(())
}

#[test]
fn a_source_of_a_real_spoofed_flood_gets_a_notice() -> Result<()> {
    let Some(capture) = RealCapture::find(SPOOFED)? else {
        return Ok(());
    };
    let contents = capture.contents()?;
    let (source, syns) = contents
        .syns
        .iter()
        .min_by_key(|(source, _)| **source)
        .unwrap();
    let report = json(&[
        &source.to_string(),
        "--capture",
        &capture.path().display().to_string(),
    ])?;
    assert_eq!(report["letter"], "notice", "{report:#}");
    assert_eq!(report["evidence"][0]["class"], "spoofed", "{report:#}");
    assert_eq!(number(&report, "/evidence/0/syns")?, *syns);
    Ok(())
}
