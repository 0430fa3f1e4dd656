//! Filters taken over again and again, by builds with the same map layout and another:
//! not one SYN of a banned source comes through, and no client is turned away.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::address::{VICTIMS, is_victim};
use synguard_tests::capture::Capture;
use synguard_tests::controller::Controller;
use synguard_tests::knock::knock;
use synguard_tests::lab::Lab;
use synguard_tests::program;
use synguard_tests::sender::{Sender, keep_pace};
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::{CONTAINER_END, Topology};
use synguard_tests::wait;

use crate::config::{file, path};
use crate::support::{
    bans, number, plan, rules, seed_plan, victims, wait_for_bans, wait_for_more_drops,
    wait_for_status,
};

/// How often something happens to the controller.
const ROUNDS: usize = 100;
/// SYNs of the flood that are sent at least between one step and the next.
const FLOOD: u64 = 200;
/// Counters are looked at every so many rounds, as a status takes half a second.
const STATUS_EVERY: usize = 10;
/// What happens to it.
const STEPS: [Step; 4] = [Step::Crash, Step::Restart, Step::OtherBuild, Step::Reload];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// `kill -9`, then `attach`.
    Crash,
    /// SIGTERM with `--keep`, then `attach`.
    Restart,
    /// `kill -9`, then `attach` of a build with another map layout.
    OtherBuild,
    /// `reload` of other settings.
    Reload,
}

/// A filter, by whichever build.
struct Filter<'a> {
    builds: [&'a Synguard; 2],
    /// Which of them runs it.
    build: usize,
    settings: &'a str,
    controller: Controller,
    /// The rules that are to go along.
    rules: Rules,
}

/// What a rule says that nothing may change, and when it ends, by prefix.
type Rules = BTreeMap<String, (Value, Option<Instant>)>;

/// Those of bans and people; what protects is renewed.
fn rules_of(synguard: &Synguard) -> Result<Rules> {
    let listed = synguard.succeed(&["list", &synguard.uplink, "--json"])?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let rules = listed["interfaces"][0]["rules"].as_array();
    let rules = rules.context("no rules")?.iter();
    let lasting = rules.filter(|rule| rule["origin"] != "protected");
    Ok(lasting.map(|rule| lasting_part(rule.clone())).collect())
}

fn lasting_part(mut rule: Value) -> (String, (Value, Option<Instant>)) {
    let left = rule["expires_in_seconds"].as_u64();
    let ends = left.map(|left| Instant::now() + Duration::from_secs(left));
    // The first goes on to be counted; dates and the rest are rounded to seconds.
    for passing in ["hits", "since", "expires_in_seconds"] {
        rule[passing].take();
    }
    if let Some(evidence) = rule["evidence"].as_object_mut() {
        evidence.remove("resets");
    }
    let prefix = rule["prefix"].as_str().unwrap_or_default().to_owned();
    (prefix, (rule, ends))
}

/// Scope, class, evidence and all, and that they end when they were to.
fn ensure_the_same(now: &Rules, before: &Rules) -> Result<()> {
    const ROUNDING: Duration = Duration::from_secs(3);
    ensure!(now.keys().eq(before.keys()), "{now:#?}\n{before:#?}");
    for ((rule, ends), (old, old_ends)) in now.values().zip(before.values()) {
        ensure!(rule == old, "{rule:#}\n{old:#}");
        let as_long = match (ends, old_ends) {
            (Some(ends), Some(old)) => {
                let earlier = old.saturating_duration_since(*ends);
                ends.saturating_duration_since(*old).max(earlier) < ROUNDING
            }
            (ends, old) => ends == old,
        };
        ensure!(as_long, "{ends:?}, it was {old_ends:?}: {rule:#}");
    }
    Ok(())
}

impl Filter<'_> {
    fn synguard(&self) -> &Synguard {
        self.builds[self.build]
    }

    fn attach(&mut self) -> Result<()> {
        let arguments = ["--keep", "--config", self.settings];
        self.controller = self.synguard().attach(&arguments)?;
        Ok(())
    }

    /// All of them went along.
    fn check_rules(&self) -> Result<()> {
        ensure_the_same(&rules_of(self.synguard())?, &self.rules)
    }

    /// No counter went back since `before`.
    fn check_counters(&self, before: &Value) -> Result<Value> {
        let status = wait_for_more_drops(self.synguard(), before, 50)?;
        for counter in ["/dropped/banned", "/dropped/total", "/syns", "/packets"] {
            ensure!(
                number(&status, counter)? >= number(before, counter)?,
                "{counter}: {status:#}"
            );
        }
        Ok(status)
    }

    fn step(&mut self, step: Step, round: usize) -> Result<()> {
        match step {
            Step::Crash => {
                self.controller.kill_now()?;
                self.attach()
            }
            Step::Restart => {
                self.controller.end_now()?;
                self.attach()
            }
            Step::OtherBuild => {
                self.controller.kill_now()?;
                self.build = 1 - self.build;
                self.attach()
            }
            Step::Reload => {
                fs::write(self.settings, format!("syn-rate = {}\n", 50 + round))?;
                self.synguard().succeed(&["reload"])?;
                Ok(())
            }
        }
    }
}

#[test]
fn a_hundred_takeovers_let_nothing_through_and_turn_nobody_away() -> Result<()> {
    let lab = Lab::new()?;
    let other = lab.synguard.other_layout()?;
    let settings = file("")?;
    let settings = path(&settings)?;
    let controller = lab.synguard.attach(&["--keep", "--config", settings])?;
    let mut filter = Filter {
        builds: [&lab.synguard, &other],
        build: 0,
        settings,
        controller,
        rules: Rules::new(),
    };
    let block = ["block", "203.0.113.0/24", "--scope", "all", "--for", "1h"];
    lab.synguard.succeed(&block)?;
    lab.synguard.succeed(&["allow", "198.51.100.200"])?;
    let flood = Sender::start(&lab.topology, &seed_plan(2_000, 500_000))?;
    let first = wait_for_bans(&lab.synguard, &filter.controller)?;
    filter.rules = rules_of(&lab.synguard)?;
    ensure!(filter.rules.len() == 4, "{:#?}", filter.rules);
    // From here on not a single SYN of a banned source may come through.
    let leaks = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    let over = AtomicBool::new(false);
    let (status, served) = thread::scope(|scope| -> Result<(Value, u64)> {
        let clients = scope.spawn(|| connect(&lab.topology, &over));
        let steps = rounds(&mut filter, &flood, &first);
        over.store(true, Ordering::Relaxed);
        let served = clients
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((steps?, served?))
    })?;
    let sent = flood.stop()?;
    let leaks = leaks.finish()?;
    eprintln!(
        "{ROUNDS} steps: {sent} SYNs sent, {leaks} came through; {served} connections, none failed"
    );
    ensure!(leaks == 0, "{leaks} SYNs of banned sources came through");
    ensure!(served > 100, "only {served} connections");
    ensure!(
        status["attached_at"] == first["attached_at"],
        "attached anew: {status:#}"
    );
    filter.controller.kill_now()
}

/// Connects until it is over, so often a second, and gives how often in all.
fn connect(topology: &Topology, over: &AtomicBool) -> Result<u64> {
    const PER_SECOND: u32 = 50;
    let (begun, mut served) = (Instant::now(), 0);
    while !over.load(Ordering::Relaxed) {
        keep_pace(begun, served, PER_SECOND);
        served += knock(topology, 2, 1)?;
    }
    Ok(served)
}

fn rounds(filter: &mut Filter<'_>, flood: &Sender, first: &Value) -> Result<Value> {
    let mut status = first.clone();
    for (round, step) in (0..ROUNDS).zip(STEPS.into_iter().cycle()) {
        let sent = flood.sent();
        filter
            .step(step, round)
            .and_then(|()| {
                let more = || flood.sent() > sent + FLOOD;
                wait::until_true("more of the flood", wait::GENEROUS, more)?;
                filter.check_rules()?;
                if round % STATUS_EVERY == 0 {
                    status = filter.check_counters(&status)?;
                }
                Ok(())
            })
            .with_context(|| format!("round {round}, {step:?}"))?;
    }
    filter.check_counters(&status)
}

#[test]
fn another_build_takes_over_what_people_told_the_filter() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let other = synguard.other_layout()?;
    let controller = synguard.attach(&["--confirm-within", "1h", "--max-rules", "2048"])?;
    synguard.succeed(&["block", "192.0.2.77", "--for", "1h"])?;
    synguard.succeed(&["panic", &synguard.uplink])?;
    controller.kill()?;
    let (before, said) = (synguard.status()?, rules_of(synguard)?);

    // What is there is the other build's: that is said, and nothing is misread.
    for arguments in [["status", &synguard.uplink], ["block", "192.0.2.78"]] {
        let refused = other.run(&arguments)?;
        ensure!(refused.code == Some(5), "{refused:?}");
        ensure!(
            refused.stderr.contains("another version of SynGuard"),
            "{refused:?}"
        );
    }
    let controller = other.attach(&[])?;
    let status = other.status()?;
    for field in ["panic", "dry_run", "confirm_by", "attached_at", "lists"] {
        ensure!(status[field] == before[field], "{field}: {status:#}");
    }
    ensure_the_same(&rules_of(&other)?, &said)?;
    let refused = synguard.run(&["status", &synguard.uplink])?;
    ensure!(refused.code == Some(5), "{refused:?}");
    controller.kill()?;

    let controller = synguard.attach(&[])?;
    let status = synguard.status()?;
    ensure!(status["panic"] == true && rules(&status, "block", "manual") == ["192.0.2.77"]);
    synguard.succeed(&["panic", "--over"])?;
    synguard.succeed(&["confirm"])?;
    controller.terminate()?;
    Ok(())
}

#[test]
fn another_build_knows_an_old_offender() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let other = synguard.other_layout()?;
    let controller = synguard.attach(&["--ban-time", "1s"])?;
    let flood =
        || Sender::start(&lab.topology, &plan(&[VICTIMS[0].into()], 1_000, 2_500))?.finish();
    flood()?;
    controller.wait_for("promoted")?;
    wait_for_status(synguard, "the end of the ban", |status| {
        Ok(bans(status).is_empty())
    })?;
    controller.kill()?;
    let controller = other.attach(&[])?;
    flood()?;
    let line = controller.wait_for("promoted")?.text;
    ensure!(line.contains(", ban number "), "{line}");
    controller.terminate()?;
    Ok(())
}

/// Lets the pinned maps say something else of their layout.
fn relabel(synguard: &Synguard, line: &str, text: &str) -> Result<()> {
    let map = format!("/sys/fs/bpf/synguard/{}/LAYOUT", synguard.uplink);
    let mut dump = Command::new("bpftool");
    dump.args(["-j", "map", "dump", "pinned", &map]);
    synguard.mounts.enter(&mut dump);
    let entries: Value = serde_json::from_str(&program::run(&mut dump)?)?;
    let bytes = |entry: &Value| -> Vec<u8> {
        let value = entry["value"].as_array().into_iter().flatten();
        value
            .filter_map(|byte| u8::from_str_radix(byte.as_str()?.trim_start_matches("0x"), 16).ok())
            .collect()
    };
    let all = entries.as_array().context("no entries")?;
    let at = all
        .iter()
        .position(|entry| bytes(entry).starts_with(line.as_bytes()))
        .with_context(|| format!("no line {line}"))?;
    let mut update = Command::new("bpftool");
    let key = at.to_le_bytes();
    update.args(["map", "update", "pinned", &map, "key"]);
    update.args(key[..4].iter().map(u8::to_string)).arg("value");
    let text = text.bytes().chain(std::iter::repeat(0)).take(64);
    update.args(text.map(|byte| byte.to_string()));
    synguard.mounts.enter(&mut update);
    program::run(&mut update).map(drop)
}

#[test]
fn what_cannot_be_read_is_taken_from_what_was_saved_or_not_at_all() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let other = synguard.other_layout()?;
    let controller = synguard.attach(&["--keep"])?;
    let flood = Sender::start(&lab.topology, &seed_plan(2_000, 500_000))?;
    wait_for_bans(synguard, &controller)?;
    // Saves what there is.
    controller.terminate()?;
    relabel(synguard, "offences", "offences 999")?;
    let controller = other.attach(&["--keep"])?;
    controller.wait_for("keeps its offences in a way that this one does not know")?;
    controller.terminate()?;

    let leaks = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    relabel(&other, "rules", "rules 999")?;
    let controller = synguard.attach(&["--keep"])?;
    controller.wait_for("brought back 2 bans")?;
    let status = synguard.status()?;
    ensure!(bans(&status) == victims(), "{status:#}");
    wait_for_more_drops(synguard, &status, 1_000)?;
    ensure!(leaks.finish()? == 0, "SYNs of banned sources came through");
    controller.terminate()?;

    // Where nothing was saved the filter that there is stays.
    relabel(synguard, "rules", "rules 999")?;
    let refused = other.run(&["attach", &synguard.uplink, "--state-dir", "/nowhere"])?;
    ensure!(refused.code == Some(5), "{refused:?}");
    ensure!(
        refused.stderr.contains("whose rules this one cannot read"),
        "{refused:?}"
    );
    let status = synguard.status()?;
    ensure!(bans(&status) == victims(), "{status:#}");
    wait_for_more_drops(synguard, &status, 1_000)?;
    flood.stop()?;
    Ok(())
}

#[test]
fn a_takeover_that_was_cut_off_is_finished_by_the_next() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--keep"])?;
    let flood = Sender::start(&lab.topology, &seed_plan(2_000, 500_000))?;
    let before = wait_for_bans(synguard, &controller)?;
    controller.kill()?;
    let leaks = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    // As if somebody had died before the new maps came to their place,
    let home = Path::new("/sys/fs/bpf/synguard").join(&synguard.uplink);
    let next = home.with_file_name(format!("{}%next", synguard.uplink));
    synguard.mounts.inside(|| fs::rename(&home, &next))??;
    let controller = synguard.attach(&["--keep"])?;
    controller.wait_for("2 bans go on")?;
    let status = wait_for_more_drops(synguard, &before, 2_000)?;
    ensure!(status["attached_at"] == before["attached_at"], "{status:#}");
    controller.kill()?;
    // or before the filter ran on them.
    synguard.mounts.inside(|| fs::create_dir(&next))??;
    let controller = synguard.attach(&["--keep"])?;
    let status = wait_for_more_drops(synguard, &status, 2_000)?;
    ensure!(bans(&status) == victims(), "{status:#}");
    ensure!(!synguard.mounts.inside(|| next.exists())?);
    flood.stop()?;
    ensure!(leaks.finish()? == 0, "SYNs of banned sources came through");
    controller.terminate()?;
    Ok(())
}
