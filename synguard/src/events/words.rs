//! An event in words, as the log tells it.

use std::time::Duration;

use tracing::Level;

use super::event::{Attachment, Cause, Engaged, Event, Left, LiftReason, Lifted, Promoted, Rates};
use crate::text;

/// The log's lines about an event, but for the interface's name before each.
pub(super) fn lines(interface: &str, event: &Event) -> Vec<(Level, String)> {
    let info = |text: String| vec![(Level::INFO, text)];
    let warn = |text: String| vec![(Level::WARN, text)];
    match event {
        Event::Attached(attachment) => info(attached(interface, attachment)),
        Event::Detached { cause } => detached(interface, *cause),
        Event::LeftInPlace {} => info(format!(
            "the filter stays in place; `synguard detach {interface}` takes it off"
        )),
        Event::InterfaceGone { bans } => warn(format!(
            "the interface is gone (deleted, or moved to another network namespace): waiting for \
             it to come back, with {} kept",
            text::count(*bans, "ban", "bans")
        )),
        Event::InterfaceBack {
            mode,
            bans,
            latency,
        } => info(format!(
            "it is back: filtered again {latency:.1?} after the kernel told of it, in {mode} mode, \
             with {} in force",
            text::count(*bans, "ban", "bans")
        )),
        Event::Promoted(promoted) => info(self::promoted(promoted)),
        Event::Lifted(lifted) => info(self::lifted(lifted)),
        Event::ClassChanged {
            source,
            former_class,
            class,
        } => info(format!(
            "{source} is a {} now, at its last ban it was a {}",
            class.label(),
            former_class.label()
        )),
        Event::SpoofedFloodBegun(rates) => warn(format!(
            "spoofed flood: {}; nobody is banned for it, as the sources are not who sends it",
            of_rates(rates)
        )),
        Event::SpoofedFloodOver { lasted, worst } => warn(format!(
            "the spoofed flood is over after {}; at its worst {}",
            text::duration(*lasted),
            of_rates(worst)
        )),
        Event::ChallengesEngaged(engaged) => info(self::engaged(engaged)),
        Event::ChallengesDisengaged {
            reason,
            lasted,
            answered,
        } => info(disengaged(reason, *lasted, *answered)),
        Event::Reloaded {
            changed,
            kept,
            refused,
        } => reloaded(changed, kept, refused.as_deref()),
        Event::PanicBegun {} => warn(format!(
            "panic: nothing is dropped until `synguard panic {interface} --over` is said"
        )),
        Event::PanicOver {} => info("the panic is over".to_owned()),
        Event::Confirmed {} => info("confirmed: the filter stays".to_owned()),
        Event::Omitted { events } => warn(format!(
            "{} more about single sources, too many to be told one by one; \
             `synguard status {interface}` shows them",
            text::count(*events, "event", "events")
        )),
    }
}

/// The line that says that the filter works.
fn attached(interface: &str, attachment: &Attachment) -> String {
    let how = if attachment.taken_over {
        "took over the running filter: attached to"
    } else {
        "attached to"
    };
    let does = if attachment.dry_run {
        "dry run, nothing is dropped"
    } else {
        "dropping"
    };
    format!(
        "{how} {interface} in {} mode ({does}): more than {} SYNs/s from one source over {} \
         without completed handshakes ban it for {}",
        attachment.mode,
        attachment.threshold_syns_per_second,
        text::duration(attachment.window),
        text::duration(attachment.ban),
    )
}

fn detached(interface: &str, cause: Cause) -> Vec<(Level, String)> {
    let (level, text) = match cause {
        Cause::Stopped => (Level::INFO, "detached".to_owned()),
        Cause::Command => (Level::INFO, "detached by another command".to_owned()),
        Cause::Unconfirmed => (
            Level::WARN,
            format!("nobody said `synguard confirm {interface}` in time: detached"),
        ),
        Cause::Lost => (
            Level::ERROR,
            format!(
                "its filter was taken off by somebody else: nothing is filtered there any more; \
                 `synguard attach {interface}` does it again"
            ),
        ),
        Cause::Dismissed => (
            Level::INFO,
            "detached, as `interfaces` no longer names it".to_owned(),
        ),
        Cause::Gone => (
            Level::INFO,
            "it did not come back: its bans, rules and counters are gone".to_owned(),
        ),
    };
    vec![(level, text)]
}

const fn would(dry_run: bool) -> &'static str {
    if dry_run { "would have " } else { "" }
}

fn promoted(promoted: &Promoted) -> String {
    let latency = promoted.latency.map_or_else(String::new, |latency| {
        format!(
            " (within {} of going over its rate)",
            text::duration(latency)
        )
    });
    format!(
        "{}promoted {} for {} as {}, {}: {}{latency}",
        would(promoted.dry_run),
        promoted.source,
        text::duration(promoted.ban),
        promoted.class.label(),
        promoted.class.meaning(),
        of_evidence(promoted),
    )
}

fn of_evidence(promoted: &Promoted) -> String {
    let more = match usize::try_from(promoted.distinct_ports) {
        Ok(distinct) if distinct > promoted.destination_ports.len() => {
            format!(" and more (at least {distinct})")
        }
        _ => String::new(),
    };
    let again = match promoted.offence {
        1 => String::new(),
        offence => format!(", ban number {offence}"),
    };
    format!(
        "{} in the window ({}/s), {}, {}, to ports {}{more}, from source port {}{again}",
        text::count(promoted.syns, "SYN", "SYNs"),
        promoted.syns_per_second,
        text::count(promoted.handshakes, "handshake", "handshakes"),
        text::count(promoted.resets, "RST back", "RSTs back"),
        text::list(&promoted.destination_ports),
        promoted
            .source_port
            .map_or_else(|| "varying".to_owned(), |port| port.to_string()),
    )
}

fn lifted(lifted: &Lifted) -> String {
    let why = match lifted.reason {
        LiftReason::Expired => "its time is over".to_owned(),
        LiftReason::CompletesHandshakes => format!(
            "the source completes its connections ({})",
            text::count(lifted.handshakes, "handshake", "handshakes")
        ),
    };
    format!(
        "{}lifted the {} on {}: {why}; it had {}",
        would(lifted.dry_run),
        lifted.rule,
        lifted.source,
        text::count(lifted.hits, "hit", "hits"),
    )
}

fn of_rates(rates: &Rates) -> String {
    format!(
        "{} SYNs/s, {}/s of them from sources not seen before, {}/s",
        rates.syns_per_second,
        rates.new_sources_per_second,
        handshakes(rates),
    )
}

fn handshakes(rates: &Rates) -> String {
    let count = rates.handshakes_per_second.into();
    text::count(count, "handshake", "handshakes")
}

fn engaged(engaged: &Engaged) -> String {
    let why = if engaged.spoofed_flood {
        format!(
            "{} SYNs/s, {}/s",
            engaged.rates.syns_per_second,
            handshakes(&engaged.rates)
        )
    } else {
        "as asked for".to_owned()
    };
    format!(
        "challenging new clients with SYN cookies from now on ({why}), at {}{}",
        listeners(engaged.listeners),
        left(&engaged.left_to_kernel),
    )
}

/// What is left to the kernel, and why.
pub(crate) fn left(left: &[Left]) -> String {
    let groups = left.iter().map(|left| {
        format!(
            "; {} left to the kernel, {}",
            listeners(left.listeners),
            left.hindrance.reason()
        )
    });
    groups.collect()
}

fn listeners(count: usize) -> String {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    text::count(count, "listening address", "listening addresses")
}

fn disengaged(reason: &str, lasted: Duration, answered: u64) -> String {
    format!(
        "no longer challenging new clients ({reason}): {} answered in {}",
        text::count(answered, "SYN was", "SYNs were"),
        text::duration(lasted),
    )
}

fn reloaded(changed: &[String], kept: &[String], refused: Option<&str>) -> Vec<(Level, String)> {
    if let Some(why) = refused {
        let text = format!("not reloaded, the settings stay as they were: {why}");
        return vec![(Level::ERROR, text)];
    }
    let mut lines = Vec::new();
    if changed.is_empty() {
        lines.push((Level::INFO, "reloaded, nothing is new".to_owned()));
    }
    for change in changed {
        lines.push((Level::INFO, format!("reloaded: {change}")));
    }
    for kept in kept {
        lines.push((Level::WARN, format!("not changed by the reload: {kept}")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_filter_is_an_error_with_a_remedy_for_one_controller_of_many() {
        let cause = Cause::Lost;
        let lines = lines("eth0", &Event::Detached { cause });
        let [(Level::ERROR, text)] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert!(text.contains("`synguard attach eth0`"), "{text}");
        assert!(text.contains("`synguard attach eth0`"), "{text}");
    }
}
