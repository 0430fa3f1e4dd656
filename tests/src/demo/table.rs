//! The story as a table.

use std::time::Duration;

use serde_json::Value;

use super::measure::Phase;
use super::{BUFFER_SECONDS, UPLINK};

pub(super) struct Story {
    pub(super) quiet: Phase,
    pub(super) before: Phase,
    pub(super) after: Phase,
    /// From the start of `attach` to an uplink without a queue.
    pub(super) recovery: Duration,
    /// How many SYN-ACKs one single SYN got, and within what time.
    pub(super) lone: (u64, Duration),
    /// SynGuard's own account at the end of the flood.
    pub(super) status: Value,
}

pub(super) fn print(story: &Story) {
    print!("{}", text(story));
}

fn text(story: &Story) -> String {
    let mut lines = vec![row(
        "",
        ["no attack", "flood", "flood, SynGuard"].map(str::to_owned),
    )];
    lines.extend(measured(story));
    lines.extend(told_by_synguard(&story.status));
    lines.push(String::new());
    lines.extend(notes(story));
    lines.join("\n") + "\n"
}

fn measured(story: &Story) -> [String; 7] {
    let phases = [&story.quiet, &story.before, &story.after];
    let each = |title, cell: fn(&Phase) -> String| row(title, phases.map(cell));
    [
        each("legitimate requests served", served),
        each("page latency, median (ms)", |phase| web(phase, 50)),
        each("page latency, p99 (ms)", |phase| web(phase, 99)),
        each("ping, median (ms)", |phase| millis(phase.pings.median())),
        each("ping, lost", |phase| {
            format!("{} %", phase.pings.loss_percent())
        }),
        each("spoofed SYNs in, per second", |phase| {
            rate(phase, phase.syns)
        }),
        each("SYN-ACKs out to the victims, per second", |phase| {
            rate(phase, phase.syn_acks)
        }),
    ]
}

fn told_by_synguard(status: &Value) -> [String; 2] {
    let last = |title, count: u64| {
        let none = "-".to_owned();
        row(title, [none.clone(), none, count.to_string()])
    };
    let dropped = status["dropped"]["total"].as_u64().unwrap_or_default();
    [
        last("SYNs dropped by SynGuard", dropped),
        last("sources banned", bans(status)),
    ]
}

fn notes(story: &Story) -> Vec<String> {
    let (answers, within) = story.lone;
    vec![
        format!(
            "Uplink: {UPLINK} with {BUFFER_SECONDS} s of buffer. Queue empty {:.1} s after `synguard attach` was started.",
            story.recovery.as_secs_f64()
        ),
        format!(
            "A single spoofed SYN, never repeated, got {answers} SYN-ACKs within {:.0} s.",
            within.as_secs_f64()
        ),
        "The container answers every copy of a SYN (tcp_invalid_ratelimit=0), as the story's kernels did.".to_owned(),
    ]
}

fn row(title: &str, cells: [String; 3]) -> String {
    let [quiet, before, after] = cells;
    format!("{title:<41}{quiet:>12}{before:>12}{after:>18}")
}

fn served(phase: &Phase) -> String {
    format!(
        "{} of {}",
        phase.clients.successes(),
        phase.clients.answers.len()
    )
}

fn web(phase: &Phase, percent: usize) -> String {
    millis(phase.clients.web_latency(percent))
}

fn millis(time: Option<Duration>) -> String {
    time.map_or_else(
        || "none served".to_owned(),
        |time| format!("{:.1}", time.as_secs_f64() * 1_000.0),
    )
}

fn rate(phase: &Phase, count: u64) -> String {
    let per_second = count as f64 / phase.length.as_secs_f64();
    format!("{per_second:.0}")
}

fn bans(status: &Value) -> u64 {
    let rules = status["rules"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let automatic = |rule: &&Value| rule["origin"] == "automatic" && rule["action"] == "block";
    rules.iter().filter(automatic).map(|_| 1).sum()
}
