//! What the controller tells, as events; and the words for what is none.

use std::time::Duration;

use synguard_common::abi::{Rule, SpoofedFlood, action, origin};

use super::flood::News;
use super::plan::{Change, Evidence, Lift, Policy};
use crate::address;
use crate::challenge::{Hindrance, Obstacle, Plan};
use crate::class::Class;
use crate::clock::Clock;
use crate::config::Outcome;
use crate::dataplane::Facts;
use crate::events::{self, Attachment, Engaged, Event, Left, LiftReason, Lifted, Promoted, Rates};
use crate::settings::Settings;
use crate::text;

/// A change of the rules, `latency` after its source went over its rate.
pub(super) fn change(
    change: &Change,
    clock: &Clock,
    policy: &Policy,
    dry_run: bool,
    latency: Option<Duration>,
) -> Event {
    match change {
        Change::Promote(net, rule, evidence) => {
            let ban = clock.since(rule.since, rule.expires);
            let class = Class::of(rule, policy.syn_rate());
            Event::Promoted(promoted(
                address::show(net),
                (class, ban),
                evidence,
                dry_run,
                latency,
            ))
        }
        Change::Lift(net, rule, why) => {
            Event::Lifted(lifted(address::show(net), rule, *why, dry_run))
        }
    }
}

fn promoted(
    source: String,
    (class, ban): (Class, Duration),
    evidence: &Evidence,
    dry_run: bool,
    latency: Option<Duration>,
) -> Promoted {
    Promoted {
        source,
        class,
        ban,
        dry_run,
        syns: evidence.syns,
        syns_per_second: evidence.syns_per_second,
        handshakes: evidence.handshakes,
        resets: evidence.resets,
        offence: evidence.offence,
        destination_ports: evidence.destination_ports.clone(),
        distinct_ports: evidence.distinct_ports,
        source_port: evidence.source_port,
        latency,
    }
}

const fn lifted(source: String, rule: &Rule, why: Lift, dry_run: bool) -> Lifted {
    let (reason, handshakes) = match why {
        Lift::Expired => (LiftReason::Expired, 0),
        Lift::CompletesHandshakes(count) => (LiftReason::CompletesHandshakes, count),
    };
    Lifted {
        source,
        rule: kind(rule),
        reason,
        handshakes,
        hits: rule.hits,
        dry_run,
    }
}

const fn kind(rule: &Rule) -> &'static str {
    match (rule.action, rule.origin) {
        (action::ALLOW, _) => "allow",
        (_, origin::AUTOMATIC) => "ban",
        _ => "block",
    }
}

/// The begin or the end of a spoofed flood.
pub(super) fn flood(news: &News, clock: &Clock) -> Event {
    match news {
        News::Begun(flood) => Event::SpoofedFloodBegun(rates(flood)),
        News::Over(flood) => Event::SpoofedFloodOver {
            lasted: clock.since(flood.since, clock.now()),
            worst: rates(flood),
        },
    }
}

const fn rates(flood: &SpoofedFlood) -> Rates {
    Rates {
        syns_per_second: flood.syns_per_second,
        new_sources_per_second: flood.new_per_second,
        handshakes_per_second: flood.handshakes_per_second,
    }
}

/// The begin of challenges.
pub(super) fn engaged(plan: &Plan, flood: &SpoofedFlood) -> Event {
    Event::ChallengesEngaged(Engaged {
        spoofed_flood: flood.since != 0,
        rates: rates(flood),
        listeners: plan.answered(),
        left_to_kernel: left(plan),
    })
}

/// What is left to the kernel, and why.
fn left(plan: &Plan) -> Vec<Left> {
    let groups = plan.hindered().into_iter();
    groups
        .map(|(hindrance, addresses)| Left {
            hindrance,
            listeners: addresses.len(),
        })
        .collect()
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

/// One line for what is in the way of challenges.
pub(super) fn obstacle(obstacle: Obstacle, plan: Option<&Plan>) -> String {
    format!(
        "new clients cannot be challenged with SYN cookies: {}{}; {}",
        obstacle.reason(),
        plan.map_or_else(String::new, |plan| events::left(&left(plan))),
        obstacle.remedy(),
    )
}

/// That the kernel told of more sources than it had room to.
pub(super) fn lost(events: u64) -> String {
    format!(
        "{} of sources over their rate were lost, as the controller did not take them in time: \
         the next look at all sources finds them",
        text::count(events, "notice", "notices"),
    )
}

/// That the filter works.
pub(super) const fn attached(facts: &Facts, settings: &Settings, is_dry: bool) -> Event {
    Event::Attached(Attachment {
        mode: facts.mode(),
        taken_over: facts.taken_over,
        dry_run: is_dry,
        threshold_syns_per_second: settings.syn_rate,
        window: settings.window,
        ban: settings.ban_time,
    })
}

/// What came of a reload.
pub(super) fn reloaded(outcome: &Outcome) -> Event {
    let Outcome {
        changed,
        kept,
        refused,
    } = outcome.clone();
    Event::Reloaded {
        changed,
        kept,
        refused,
    }
}
