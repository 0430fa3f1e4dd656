//! The words in which the controller tells what it did.

use std::time::Duration;

use synguard_common::abi::{Rule, SpoofedFlood, action, origin};

use super::flood::News;
use super::plan::{Change, Evidence, Lift, Policy};
use crate::challenge::{Hindrance, Obstacle, Plan};
use crate::class::Class;
use crate::clock::Clock;
use crate::dataplane::Facts;
use crate::settings::Settings;
use crate::{address, text};

/// One line for a change of the rules.
pub(super) fn change(change: &Change, clock: &Clock, policy: &Policy, dry_run: bool) -> String {
    let would = if dry_run { "would have " } else { "" };
    match change {
        Change::Promote(net, rule, evidence) => format!(
            "{would}promoted {} for {} as {}, {}: {}",
            address::show(net),
            text::duration(clock.since(rule.since, rule.expires)),
            Class::of(rule, policy.syn_rate()).label(),
            Class::of(rule, policy.syn_rate()).meaning(),
            of_evidence(evidence),
        ),
        Change::Lift(net, rule, why) => format!(
            "{would}lifted the {} on {}: {}; it had {}",
            kind(rule),
            address::show(net),
            of_lift(*why),
            text::count(rule.hits, "hit", "hits"),
        ),
    }
}

fn of_evidence(evidence: &Evidence) -> String {
    let more = match usize::try_from(evidence.distinct_ports) {
        Ok(distinct) if distinct > evidence.destination_ports.len() => {
            format!(" and more (at least {distinct})")
        }
        _ => String::new(),
    };
    let again = match evidence.offence {
        1 => String::new(),
        offence => format!(", ban number {offence}"),
    };
    format!(
        "{} in the window ({}/s), {}, {}, to ports {}{more}, from source port {}{again}",
        text::count(evidence.syns, "SYN", "SYNs"),
        evidence.syns_per_second,
        text::count(evidence.handshakes, "handshake", "handshakes"),
        text::count(evidence.resets, "RST back", "RSTs back"),
        text::list(&evidence.destination_ports),
        evidence
            .source_port
            .map_or_else(|| "varying".to_owned(), |port| port.to_string()),
    )
}

fn of_lift(why: Lift) -> String {
    match why {
        Lift::Expired => "its time is over".to_owned(),
        Lift::CompletesHandshakes(count) => format!(
            "the source completes its connections ({})",
            text::count(count, "handshake", "handshakes")
        ),
    }
}

/// One line for the begin or the end of a spoofed flood.
pub(super) fn flood(news: &News, clock: &Clock) -> String {
    let (begun, flood) = match news {
        News::Begun(flood) => (true, flood),
        News::Over(flood) => (false, flood),
    };
    let numbers = format!(
        "{} SYNs/s, {}/s of them from sources not seen before, {}/s",
        flood.syns_per_second,
        flood.new_per_second,
        text::count(
            flood.handshakes_per_second.into(),
            "handshake",
            "handshakes"
        ),
    );
    if begun {
        format!(
            "spoofed flood: {numbers}; nobody is banned for it, as the sources are not who sends it"
        )
    } else {
        let lasted = clock.since(flood.since, clock.now());
        format!(
            "the spoofed flood is over after {}; at its worst {numbers}",
            text::duration(lasted)
        )
    }
}

/// One line for the begin of challenges.
pub(super) fn engaged(plan: &Plan, flood: &SpoofedFlood) -> String {
    let why = if flood.since == 0 {
        "as asked for".to_owned()
    } else {
        format!(
            "{} SYNs/s, {}/s",
            flood.syns_per_second,
            text::count(
                flood.handshakes_per_second.into(),
                "handshake",
                "handshakes"
            )
        )
    };
    format!(
        "challenging new clients with SYN cookies from now on ({why}), at {}{}",
        listeners(plan.answered()),
        left(plan),
    )
}

/// One line for each thing that answers lack; with `always` they are given all the same.
pub(super) fn lacking(plan: &Plan) -> impl Iterator<Item = String> {
    plan.lacking.iter().map(|hindrance| {
        let what = match hindrance {
            Hindrance::Syncookies => {
                "SYNs are answered with cookies only while a listener's backlog is full"
            }
            _ => {
                "connections opened with a cookie have no window scaling and no selective \
                  acknowledgements"
            }
        };
        format!(
            "{what}: for a listener, {}; {}",
            hindrance.reason(),
            hindrance.remedy()
        )
    })
}

/// One line for the end of challenges.
pub(super) fn disengaged(why: &str, lasted: Duration, answered: u64) -> String {
    format!(
        "no longer challenging new clients ({why}): {} answered in {}",
        text::count(answered, "SYN was", "SYNs were"),
        text::duration(lasted),
    )
}

/// One line for what is in the way of challenges.
pub(super) fn obstacle(obstacle: Obstacle, plan: Option<&Plan>) -> String {
    format!(
        "new clients cannot be challenged with SYN cookies: {}{}; {}",
        obstacle.reason(),
        plan.map_or_else(String::new, left),
        obstacle.remedy(),
    )
}

/// What is left to the kernel, and why.
fn left(plan: &Plan) -> String {
    let groups = plan.hindered().into_iter().map(|(hindrance, addresses)| {
        let reason = hindrance.reason();
        format!(
            "; {} left to the kernel, {reason}",
            listeners(addresses.len())
        )
    });
    groups.collect()
}

fn listeners(count: usize) -> String {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    text::count(count, "listening address", "listening addresses")
}

const fn kind(rule: &Rule) -> &'static str {
    match (rule.action, rule.origin) {
        (action::ALLOW, _) => "allow",
        (_, origin::AUTOMATIC) => "ban",
        _ => "block",
    }
}

/// The line that says that the filter works.
pub(super) fn attached(
    interface: &str,
    facts: &Facts,
    settings: &Settings,
    is_dry: bool,
) -> String {
    let how = if facts.taken_over {
        "took over the running filter: attached to"
    } else {
        "attached to"
    };
    let mode = if facts.native { "native" } else { "generic" };
    let does = if is_dry {
        "dry run, nothing is dropped"
    } else {
        "dropping"
    };
    format!(
        "{how} {interface} in {mode} mode ({does}): more than {} SYNs/s from one source over {} \
         without completed handshakes ban it for {}",
        settings.syn_rate,
        text::duration(settings.window),
        text::duration(settings.ban_time),
    )
}

/// How long it took from the first packet over the rate to the ban, as exactly
/// as ticks tell.
pub(super) fn latency(elapsed: Duration, clock: &Clock) -> String {
    let tick = clock.duration(1);
    format!(
        " (within {} of going over its rate)",
        text::duration(elapsed + tick)
    )
}
