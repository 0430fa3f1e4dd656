//! A replay for people.

use std::fmt::Write as _;
use std::time::Duration;

use super::report::{BanEntry, FileEntry, Report, SpoofedEntry};
use super::thresholds::Row;
use crate::text;

/// So many bans does a person want to see.
const BANS: usize = 50;
/// And so many interfaces of a file.
const INTERFACES: usize = 8;

/// All of it.
pub fn show(report: &Report) -> String {
    let mut out = String::new();
    for file in &report.files {
        let _ = writeln!(out, "{}", of_file(file));
    }
    let (Some(first), Some(last)) = (&report.first_packet, &report.last_packet) else {
        out.push_str("  no packets\n");
        return out;
    };
    let lasted = text::duration(Duration::from_secs_f64(report.duration_seconds));
    let _ = writeln!(out, "  {first} to {last} ({lasted})");
    let _ = writeln!(out, "  {}", counts(report));
    for (word, reasons) in [
        ("would have dropped", &report.dropped.by_reason),
        ("would have passed", &report.passed),
    ] {
        let reasons = text::nonzero(reasons);
        if reasons != "-" {
            let _ = writeln!(out, "  {word}: {reasons}");
        }
    }
    for note in notes(report) {
        let _ = writeln!(out, "  {note}");
    }
    for flood in &report.spoofed {
        let _ = writeln!(out, "  {}", of_flood(flood));
    }
    out.push('\n');
    out.push_str(&bans(report));
    out.push('\n');
    out.push_str(&thresholds(&report.thresholds));
    out
}

fn of_file(file: &FileEntry) -> String {
    let mut seen = Vec::new();
    for interface in &file.interfaces {
        let name = interface.name.as_deref().unwrap_or_default();
        let shown = text::plain(format!("{name} {}", interface.link_type).trim());
        // Each section of a file describes its interfaces anew.
        if seen.contains(&shown) {
            continue;
        }
        if seen.len() == INTERFACES {
            seen.push("others".to_owned());
            break;
        }
        seen.push(shown);
    }
    let damage = file.damage.as_ref().map_or_else(String::new, |damage| {
        format!(
            "; DAMAGED at packet {}, byte {}: {}; all before it is used",
            damage.packet, damage.byte_offset, damage.reason
        )
    });
    format!(
        "{}: {}, {}{damage}",
        text::plain(&file.file),
        text::count(file.packets, "packet", "packets"),
        text::list(seen),
    )
}

fn counts(report: &Report) -> String {
    format!(
        "{}, {}, {} known; {} completed{}",
        text::count(report.packets, "packet", "packets"),
        text::count(report.syns, "SYN", "SYNs"),
        text::count(report.sources_tracked as u64, "source", "sources"),
        text::count(report.handshakes.completed, "handshake", "handshakes"),
        if report.handshakes.answers_seen || report.handshakes.completed == 0 {
            ""
        } else {
            ", by all appearance: the capture shows no answers to SYNs"
        },
    )
}

/// What a person should know of how it was read.
fn notes(report: &Report) -> Vec<String> {
    let packets = |count| text::count(count, "packet", "packets");
    [
        (
            report.left_out.outgoing,
            "sent by this host: XDP does not see them",
        ),
        (
            report.left_out.unreadable_link_type,
            "left out, as their link type cannot be read",
        ),
        (
            report.cut,
            "cut off by the capture's snap length before the end of the TCP header: passed, as \
             what cannot be read is (capture with `tcpdump -s 128`)",
        ),
        (
            report.reordered,
            "stamped before an earlier one, taken as coming at its time",
        ),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{} {what}", packets(count)))
    .chain((report.clock_set_back > 0).then(|| {
        let times = text::count(report.clock_set_back, "time", "times");
        format!("the capture's clock was set back {times}: it goes on from there")
    }))
    .chain((report.suspects > 0).then(|| {
        let sources = text::count(report.suspects as u64, "source", "sources");
        format!("at the end {sources} over the rate had a second yet to complete connections")
    }))
    .chain(
        report.bans_full.then(|| {
            "not all offenders could be banned: that takes a larger --max-rules".to_owned()
        }),
    )
    .chain(report.kernel.map(|kernel| {
        let not_run = match kernel.not_run {
            0 => String::new(),
            count => format!("; {} of a length that it cannot be given", packets(count)),
        };
        format!(
            "the program in the kernel agrees on {}{not_run}",
            packets(kernel.agreed)
        )
    }))
    .collect()
}

fn of_flood(flood: &SpoofedEntry) -> String {
    let until = match &flood.until {
        Some(until) => format!("to {until}"),
        None => "to the end".to_owned(),
    };
    format!(
        "SPOOFED FLOOD from {} {until}: at its worst {} SYNs/s, {}/s of them from sources not seen \
         before, {}/s; nobody would be banned for it: the sources are not who sends it",
        flood.since,
        flood.syns_per_second,
        flood.new_sources_per_second,
        text::count(
            flood.handshakes_per_second.into(),
            "handshake",
            "handshakes"
        ),
    )
}

fn bans(report: &Report) -> String {
    if report.bans.is_empty() {
        return "  nobody would have been banned\n".to_owned();
    }
    let rows: Vec<_> = report.bans.iter().take(BANS).map(of_ban).collect();
    let mut out = text::table(
        [
            "WOULD BE BANNED",
            "FROM",
            "UNTIL",
            "CLASS",
            "PACKETS",
            "WHY",
        ],
        &rows,
    );
    let more = report.bans.len().saturating_sub(BANS) as u64 + report.bans_not_listed;
    if more > 0 {
        let _ = writeln!(out, "  and {more} more (--json lists up to 10,000)");
    }
    out
}

fn of_ban(ban: &BanEntry) -> [String; 6] {
    let evidence = &ban.evidence;
    let again = match evidence.offences {
        1 => String::new(),
        offence => format!(", ban number {offence}"),
    };
    let why = format!(
        "{} in the window ({}/s), {}, {}, to ports {}, from source port {}{again}",
        text::count(evidence.syns, "SYN", "SYNs"),
        evidence.syns_per_second,
        text::count(evidence.handshakes, "handshake", "handshakes"),
        text::count(evidence.resets, "RST back", "RSTs back"),
        text::list(&evidence.destination_ports),
        evidence
            .source_port
            .map_or_else(|| "varying".to_owned(), |port| port.to_string()),
    );
    let until = match ban.ended {
        Some("completed_handshakes") => format!("{} (a client)", ban.until),
        _ => ban.until.clone(),
    };
    [
        ban.source.clone(),
        ban.since.clone(),
        until,
        evidence.class.label().to_owned(),
        ban.dropped.to_string(),
        why,
    ]
}

fn thresholds(rows: &[Row]) -> String {
    let row = |row: &Row| {
        [
            row.syn_rate.to_string(),
            row.banned.to_string(),
            row.banned_with_handshakes.to_string(),
            row.spared.to_string(),
            if row.in_force { "as now" } else { "" }.to_owned(),
        ]
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    text::table(
        [
            "AT SYN/S",
            "WOULD BE BANNED",
            "OF THEM COMPLETED ANY",
            "SPARED AS CLIENTS",
            "",
        ],
        &rows,
    )
}
