//! `status` and `list` for people.

use std::fmt::Write as _;
use std::time::Duration;

use super::{ListEntry, Report, RuleEntry, RuleList, SourceEntry};
use crate::text;

/// How many sources a person wants to see.
const SOURCES: usize = 10;

/// An interface's state.
pub fn show(report: &Report) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", headline(report));
    if let Some(called) = &report.called {
        let _ = writeln!(out, "  the interface is called {called} now");
    }
    if let Some(line) = way_back(report) {
        let _ = writeln!(out, "  {line}");
    }
    let _ = writeln!(out, "  {}", counts(report));
    let drops = text::nonzero(&report.dropped.by_reason);
    if report.dropped.total > 0 {
        let word = if report.dry_run {
            "would have dropped"
        } else {
            "dropped"
        };
        let _ = writeln!(out, "  {word}: {drops}");
    }
    for line in [spoofed(report), challenge(report)].into_iter().flatten() {
        let _ = writeln!(out, "  {line}");
    }
    if let Some(line) = safety(report) {
        let _ = writeln!(out, "  {line}");
    }
    let blocks: Vec<_> = report
        .rules
        .iter()
        .filter(|rule| rule.action == "block")
        .collect();
    if blocks.is_empty() {
        let _ = writeln!(out, "\n  nobody is banned or blocked");
    } else {
        let _ = write!(out, "\n{}", rule_table("BANNED OR BLOCKED", blocks));
    }
    if !report.lists.is_empty() {
        let _ = write!(out, "\n{}", list_table(&report.lists));
    }
    if !report.sources.is_empty() {
        let _ = write!(out, "\n{}", source_table(&report.sources));
    }
    text::plain_lines(&out)
}

/// What is going on, a sentence each, the most important first.
pub fn words(report: &Report) -> Vec<String> {
    let more = [way_back(report), spoofed(report), challenge(report)];
    [Some(headline(report))]
        .into_iter()
        .chain(more)
        .flatten()
        .collect()
}

/// An interface's rules.
pub fn show_list(list: &RuleList) -> String {
    if list.rules.is_empty() && list.lists.is_empty() {
        return format!("{}: no rules\n", text::plain(&list.interface));
    }
    let (allows, blocks): (Vec<_>, Vec<_>) =
        list.rules.iter().partition(|rule| rule.action == "allow");
    let mut out = format!("{}:\n", list.interface);
    for (title, rules) in [("BLOCKED", blocks), ("ALLOWED", allows)] {
        if !rules.is_empty() {
            out.push_str(&rule_table(title, rules));
        }
    }
    if !list.lists.is_empty() {
        out.push_str(&list_table(&list.lists));
    }
    text::plain_lines(&out)
}

fn headline(report: &Report) -> String {
    let does = match report {
        Report { waiting: true, .. } => {
            "NOT FILTERING: the interface is gone: waiting for it to come back"
        }
        Report {
            in_place: Some(false),
            ..
        } => "NOT FILTERING: the interface was deleted or its filter taken off; attach it again",
        Report {
            unconfirmed: true, ..
        } => "NOT FILTERING: nobody confirmed it in time; attach it again",
        Report { panic: true, .. } => "PANIC, nothing is dropped",
        Report { dry_run: true, .. } => "dry run, nothing is dropped",
        _ => "filtering",
    };
    let controller = match report.controller_pid {
        Some(pid) => format!("controller running (process {pid})"),
        None => {
            "no controller: bans still hold and end on time, but nobody new is banned".to_owned()
        }
    };
    format!(
        "{}: {does}, {} mode, attached {} ({} ago), {controller}",
        report.interface,
        report.mode,
        report.attached_at,
        seconds(report.uptime_seconds),
    )
}

/// What to say for the filter to drop again, or to go on dropping.
fn way_back(report: &Report) -> Option<String> {
    let name = &report.interface;
    if report.panic {
        return Some(format!(
            "`synguard panic {name} --over` has it drop again; until then nothing else does"
        ));
    }
    let by = report.confirm_by.as_ref().filter(|_| !report.unconfirmed)?;
    Some(format!(
        "it detaches at {by}, unless `synguard confirm {name}` is said"
    ))
}

fn spoofed(report: &Report) -> Option<String> {
    let flood = report.spoofed.as_ref()?;
    Some(format!(
        "SPOOFED FLOOD since {}{}: {} SYNs/s, {}/s of them from sources not seen before, {}/s; \
         nobody is banned for it: the sources are not who sends it",
        flood.since,
        if flood.syns_per_second == 0 {
            ", ebbing away"
        } else {
            ""
        },
        flood.syns_per_second,
        flood.new_sources_per_second,
        text::count(
            flood.handshakes_per_second.into(),
            "handshake",
            "handshakes"
        ),
    ))
}

fn challenge(report: &Report) -> Option<String> {
    report.challenge.line(report.rates.answered_per_second)
}

fn counts(report: &Report) -> String {
    format!(
        "{} packets ({}/s), {} SYNs ({}/s), {} {} ({}/s)",
        report.packets,
        report.rates.packets_per_second,
        report.syns,
        report.rates.syns_per_second,
        report.dropped.total,
        if report.dry_run {
            "would have been dropped"
        } else {
            "dropped"
        },
        report.rates.dropped_per_second,
    )
}

/// Why the filter is no danger; nothing where it filters nothing.
fn safety(report: &Report) -> Option<String> {
    if report.in_place == Some(false) || report.unconfirmed {
        return None;
    }
    if report.dry_run {
        return Some("safe: every packet passes, bans are only counted".to_owned());
    }
    let allowed = report
        .rules
        .iter()
        .filter(|rule| rule.action == "allow")
        .count();
    let proof = if report.handshakes_counted {
        "clients that complete their connections are not banned"
    } else {
        "completed connections cannot be seen on this kernel"
    };
    let drops_all = |rule: &&RuleEntry| rule.origin == "automatic" && rule.scope == "all";
    let bans = if report.rules.iter().any(|rule| drops_all(&rule)) {
        "bans drop everything from their sources"
    } else {
        "bans stop new connections only"
    };
    Some(format!(
        "safe: {bans} and end by themselves; {proof}; {} protected or allowed{}",
        prefixes(allowed),
        by_hand(report),
    ))
}

/// What people block for good or for all traffic is as safe as they made it.
fn by_hand(report: &Report) -> String {
    let manual = |rule: &&RuleEntry| rule.action == "block" && rule.origin == "manual";
    match report.rules.iter().filter(manual).count() {
        0 => String::new(),
        count => format!("; {} blocked by hand", prefixes(count)),
    }
}

fn prefixes(count: usize) -> String {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    text::count(count, "prefix", "prefixes")
}

fn rule_table<'r>(title: &str, rules: impl IntoIterator<Item = &'r RuleEntry>) -> String {
    let row = |rule: &RuleEntry| {
        [
            rule.prefix.clone(),
            rule.expires_in_seconds
                .map_or_else(|| "never".to_owned(), seconds),
            if rule.action == "allow" {
                "-"
            } else {
                rule.scope
            }
            .to_owned(),
            rule.hits.to_string(),
            format!("{}: {}", rule.origin, rule.reason),
        ]
    };
    let rows: Vec<_> = rules.into_iter().map(row).collect();
    text::table([title, "ENDS IN", "SCOPE", "PACKETS", "WHY"], &rows)
}

fn list_table(lists: &[ListEntry]) -> String {
    let row = |list: &ListEntry| {
        [
            list.name.clone(),
            if list.action == "allow" {
                "allow".to_owned()
            } else {
                format!("block {}", list.scope)
            },
            list.prefixes.to_string(),
            list.hits.to_string(),
            list.imported_at.clone(),
        ]
    };
    let rows: Vec<_> = lists.iter().map(row).collect();
    text::table(["LISTS", "DOES", "PREFIXES", "PACKETS", "IMPORTED"], &rows)
}

fn source_table(sources: &[SourceEntry]) -> String {
    let row = |source: &SourceEntry| {
        let blocked = source.rule == Some("block");
        [
            source.source.clone(),
            if blocked {
                "-".to_owned()
            } else {
                source.syns_per_second.to_string()
            },
            source.syns.to_string(),
            source.dropped.to_string(),
            source.handshakes.to_string(),
            source.resets.to_string(),
            text::list(&source.destination_ports),
            match source.rule {
                Some("block") => "banned or blocked, see above",
                Some(_) => "allowed",
                None if source.busy_client => "busy client, not banned",
                None => "",
            }
            .to_owned(),
        ]
    };
    let rows: Vec<_> = sources.iter().take(SOURCES).map(row).collect();
    text::table(
        [
            "TOP SOURCES",
            "SYN/S",
            "SYNS",
            "DROPPED",
            "HANDSHAKES",
            "RSTS",
            "TO PORTS",
            "",
        ],
        &rows,
    )
}

fn seconds(seconds: u64) -> String {
    text::duration(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Waiting;

    /// The kernel takes control characters in names.
    #[test]
    fn a_name_does_nothing_to_the_terminal() {
        let evil = "w\u{1b}[31mx".to_owned();
        let entry = ListEntry {
            name: evil.clone(),
            action: "block",
            scope: "syn",
            prefixes: 1,
            imported_at: "2026-11-22T20:41:01Z".to_owned(),
            hits: 0,
        };
        let mut list = RuleList {
            interface: evil.clone(),
            rules: Vec::new(),
            lists: Vec::new(),
        };
        let empty = show_list(&list);
        list.lists.push(entry);
        let waiting = Waiting {
            interface: evil,
            controller_pid: 1,
        };
        for shown in [empty, show_list(&list), waiting.show()] {
            let obeyed = |letter: char| letter.is_control() && letter != '\n';
            assert!(!shown.contains(obeyed), "{shown:?}");
            assert!(shown.starts_with("w\u{fffd}[31mx:"), "{shown:?}");
        }
    }
}
