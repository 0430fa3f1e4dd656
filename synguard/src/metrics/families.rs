//! The metrics: names, meanings, and where their numbers come from.

use std::time::{SystemTime, UNIX_EPOCH};

use synguard_common::abi::ABI_VERSION;
use synguard_common::verdict::{Reason, Verdict};

use super::family::{Family, Kind};
use super::kernel::Kernel;
use super::process::{Process, process};
use super::watched::{Told, told};

/// What is known of one interface.
struct Interface<'a> {
    name: &'a str,
    told: &'a Told,
    /// None where its maps cannot be read: it is detached, say.
    kernel: Option<Kernel>,
}

/// All metrics of this process, now.
pub fn families() -> Vec<Family> {
    let told = told();
    let interfaces = told.iter().filter_map(|(name, told)| {
        Some(Interface {
            name,
            told: told.as_ref()?,
            kernel: Kernel::read(name).ok(),
        })
    });
    let missed = told.iter().filter(|(_, told)| told.is_none());
    let missed: Vec<_> = missed.map(|(name, _)| name.as_str()).collect();
    all(&interfaces.collect::<Vec<_>>(), &missed, process())
}

/// All metrics with the labels that they have, and no meaning in their numbers: for the
/// documentation's test.
pub fn sample() -> Vec<Family> {
    let watched = super::Watched::begin("sample");
    watched.update(|told| {
        told.looked_at = Some(UNIX_EPOCH);
        told.reload_failed = Some(false);
    });
    let mut told = super::watched::told();
    let told = told.remove("sample").flatten().unwrap_or_default();
    watched.forget();
    let interface = Interface {
        name: "sample",
        told: &told,
        kernel: Some(Kernel::BLANK),
    };
    all(&[interface], &[], process())
}

/// `missed` are to be filtered, and are not.
fn all(interfaces: &[Interface<'_>], missed: &[&str], process: &Process) -> Vec<Family> {
    let mut families = of_process(process);
    families.extend(of_watch(interfaces, missed));
    families.extend(of_decisions(interfaces));
    families.extend(of_filter(interfaces));
    families.extend(of_packets(interfaces));
    families
}

fn of_process(process: &Process) -> Vec<Family> {
    let mut build = Family::new(Kind::Info, "synguard_build", "Which build runs.");
    build.put(
        [
            ("version", env!("CARGO_PKG_VERSION")),
            ("commit", env!("SYNGUARD_COMMIT")),
            ("abi", &ABI_VERSION.to_string()),
        ],
        1.0,
    );
    let mut written = Family::new(
        Kind::Counter,
        "synguard_events_written",
        "Events written where `events` says.",
    );
    written.put([], process.events_written.get() as f64);
    let mut dropped = Family::new(
        Kind::Counter,
        "synguard_events_dropped",
        "Events that were not told, as the disk, its reader or the hook was too slow or failed.",
    );
    dropped.put([("to", "file")], process.events_dropped.get() as f64);
    dropped.put([("to", "hook")], process.hook_dropped.get() as f64);
    let mut runs = Family::new(
        Kind::Counter,
        "synguard_hook_runs",
        "Runs of `on-event`, by how they ended.",
    );
    for (outcome, count) in [
        ("done", &process.hook_done),
        ("failed", &process.hook_failed),
        ("timed_out", &process.hook_timed_out),
        ("not_started", &process.hook_not_started),
    ] {
        runs.put([("outcome", outcome)], count.get() as f64);
    }
    vec![build, written, dropped, runs]
}

/// Whether the filter is there, and its controller alive.
fn of_watch(interfaces: &[Interface<'_>], missed: &[&str]) -> Vec<Family> {
    let told = |stem, kind, help, number: fn(&Told) -> Option<f64>| {
        let mut family = Family::new(kind, stem, help);
        for Interface { name, told, .. } in interfaces {
            if let Some(number) = number(told) {
                family.put([("interface", name)], number);
            }
        }
        family
    };
    let mut up = Family::new(
        Kind::Gauge,
        "synguard_filter_up",
        "1 while the filter is on the interface and its controller watches it.",
    );
    for Interface { name, told, kernel } in interfaces {
        let is_up = told.in_place && kernel.is_some();
        up.put([("interface", name)], whether(is_up));
    }
    for name in missed {
        up.put([("interface", name)], whether(false));
    }
    vec![
        up,
        told(
            "synguard_controller_last_look_timestamp_seconds",
            Kind::Gauge,
            "When the controller last looked at the interface, as it does each second.",
            |told| Some(since_1970(told.looked_at?)),
        ),
        told(
            "synguard_controller_errors",
            Kind::Counter,
            "What went wrong in the controller's work, and was tried again.",
            |told| Some(told.errors as f64),
        ),
        told(
            "synguard_last_reload_successful",
            Kind::Gauge,
            "1 if the last reload was taken, 0 if it was refused; absent before the first.",
            |told| Some(whether(!told.reload_failed?)),
        ),
        told(
            "synguard_events",
            Kind::Counter,
            "Events at the interface, told or not.",
            |told| Some(told.events as f64),
        ),
        told(
            "synguard_events_omitted",
            Kind::Counter,
            "Of them, those about single sources that were too many to be told one by one.",
            |told| Some(told.events_omitted as f64),
        ),
        told(
            "synguard_evidence_dropped",
            Kind::Counter,
            "Bans whose first packets were not kept, as the disk was too slow.",
            |told| Some(told.evidence_dropped as f64),
        ),
    ]
}

/// Who was banned, and what the controller knows of sources and rules.
fn of_decisions(interfaces: &[Interface<'_>]) -> Vec<Family> {
    let mut bans = Family::new(Kind::Gauge, "synguard_bans", "Automatic bans in force.");
    let mut most = Family::new(
        Kind::Gauge,
        "synguard_bans_max",
        "How many automatic bans there may be.",
    );
    let mut promotions = Family::new(
        Kind::Counter,
        "synguard_promotions",
        "Bans made, or that would have been in a dry run.",
    );
    let mut lifts = Family::new(Kind::Counter, "synguard_lifts", "Rules that ended, by why.");
    let mut suspects = Family::new(
        Kind::Gauge,
        "synguard_suspects",
        "Sources over their rate that have time yet to complete what got through.",
    );
    let mut sources = Family::new(
        Kind::Gauge,
        "synguard_sources",
        "Sources that had a record at the last scan.",
    );
    let mut scan = Family::new(
        Kind::Gauge,
        "synguard_scan_duration_seconds",
        "How long the last scan of all records took.",
    );
    let mut rules = Family::new(
        Kind::Gauge,
        "synguard_rules",
        "Rules at the last sweep, once a minute, by where they lie and who says so.",
    );
    for Interface { name, told, .. } in interfaces {
        let interface = ("interface", *name);
        for (class, count) in &told.bans {
            bans.put([interface, ("class", class)], *count as f64);
        }
        most.put([interface], told.most_bans.into());
        for (class, count) in &told.promotions {
            promotions.put([interface, ("class", class)], *count as f64);
        }
        for (reason, count) in &told.lifts {
            lifts.put([interface, ("reason", reason)], *count as f64);
        }
        suspects.put([interface], told.suspects as f64);
        sources.put([interface], told.sources as f64);
        scan.put([interface], told.scan.as_secs_f64());
        for ((table, origin), count) in told.rules.each() {
            rules.put(
                [interface, ("table", table), ("origin", origin)],
                count as f64,
            );
        }
    }
    vec![
        bans, most, promotions, lifts, suspects, sources, scan, rules,
    ]
}

/// How the interface is filtered.
fn of_filter(interfaces: &[Interface<'_>]) -> Vec<Family> {
    let known = || {
        let kernels = interfaces.iter();
        kernels.filter_map(|interface| Some((interface.name, interface.kernel.as_ref()?)))
    };
    let gauge = |stem, help, number: fn(&Kernel) -> f64| {
        let mut family = Family::new(Kind::Gauge, stem, help);
        for (name, kernel) in known() {
            family.put([("interface", name)], number(kernel));
        }
        family
    };
    let mut attachment = Family::new(
        Kind::Info,
        "synguard_attachment",
        "In which mode the filter runs, when it challenges, whether handshakes are counted.",
    );
    for (name, kernel) in known() {
        let labels = [
            ("interface", name),
            ("mode", if kernel.native { "native" } else { "generic" }),
            ("challenge", kernel.challenges),
            (
                "handshakes_counted",
                if kernel.counts_handshakes {
                    "true"
                } else {
                    "false"
                },
            ),
        ];
        attachment.put(labels, 1.0);
    }
    vec![
        attachment,
        gauge(
            "synguard_attached_timestamp_seconds",
            "When the filter was first attached.",
            |kernel| kernel.attached_at as f64,
        ),
        gauge(
            "synguard_dry_run",
            "1 while nothing is dropped, for whatever reason.",
            |kernel| whether(kernel.dry_run),
        ),
        gauge(
            "synguard_panic",
            "1 while nothing is dropped as somebody said `synguard panic`.",
            |kernel| whether(kernel.panic),
        ),
        gauge(
            "synguard_confirmation_pending",
            "1 while somebody has yet to say `synguard confirm`, or did not in time.",
            |kernel| whether(kernel.unconfirmed),
        ),
        gauge(
            "synguard_spoofed_flood",
            "1 during a flood in which every SYN has another source.",
            |kernel| whether(kernel.flood),
        ),
        gauge(
            "synguard_challenges_engaged",
            "1 while new clients are challenged with SYN cookies.",
            |kernel| whether(kernel.engaged),
        ),
        gauge(
            "synguard_sources_max",
            "How many sources can have a record.",
            |kernel| kernel.source_capacity.into(),
        ),
        gauge(
            "synguard_rules_max",
            "How many rules each of the tables has room for.",
            |kernel| kernel.rule_capacity.into(),
        ),
    ]
}

/// What the filter counted since it was attached.
fn of_packets(interfaces: &[Interface<'_>]) -> Vec<Family> {
    let mut packets = Family::new(
        Kind::Counter,
        "synguard_packets",
        "Packets, by what became of them outside a dry run, and why.",
    );
    let mut syns = Family::new(Kind::Counter, "synguard_syns", "SYNs.");
    let mut handshakes = Family::new(
        Kind::Counter,
        "synguard_handshakes",
        "Connections completed by sources that were seen before.",
    );
    let mut sources = Family::new(
        Kind::Counter,
        "synguard_sources_seen",
        "Sources that were given a record.",
    );
    let mut missed = Family::new(
        Kind::Counter,
        "synguard_capture_missed_packets",
        "Packets that were to be shown or kept, and were not: beyond the rate, or unread.",
    );
    let mut lost = Family::new(
        Kind::Counter,
        "synguard_notices_lost",
        "Notices of sources over their rate that the controller did not take in time.",
    );
    for Interface { name, kernel, .. } in interfaces {
        let Some(kernel) = kernel else { continue };
        let interface = ("interface", *name);
        for reason in Reason::ALL {
            let labels = [
                interface,
                ("verdict", verdict(reason.verdict())),
                ("reason", reason.label()),
            ];
            packets.put(labels, kernel.counters.of(reason) as f64);
        }
        syns.put([interface], kernel.counters.syns() as f64);
        handshakes.put([interface], kernel.pressure.handshakes as f64);
        sources.put([interface], kernel.pressure.created as f64);
        for (reason, count) in ["rate", "unread"].into_iter().zip(kernel.missed) {
            missed.put([interface, ("reason", reason)], count as f64);
        }
        lost.put([interface], kernel.pressure.lost as f64);
    }
    vec![packets, syns, handshakes, sources, missed, lost]
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Drop => "drop",
        Verdict::Challenge => "challenge",
    }
}

/// 1 or 0.
const fn whether(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

fn since_1970(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
