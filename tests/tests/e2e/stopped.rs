//! A controller that stands still for a while: the kernel goes on, events are lost, and it
//! finds everything when it goes on too.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use synguard_tests::foreign::attached_id;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::synguard::Synguard;
use synguard_tests::wait;

use crate::support::{bans, ensure_untouched, number, plan, wait_for_status};

/// More than the buffer of events holds: 64 KiB, of 32 bytes each.
const OFFENDERS: u32 = 2_400;
/// At most so many events a second are told of (`EVENTS` of the settings).
const EVENTS: u32 = 1_024;

fn signal(id: u32, signal: Signal) -> Result<()> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    Ok(kill_process(pid.context("no process")?, signal)?)
}

fn offenders() -> Vec<IpAddr> {
    let first = u32::from(Ipv4Addr::new(8, 0, 0, 1));
    let all = (0..OFFENDERS).map(|number| Ipv4Addr::from(first + number));
    all.map(IpAddr::from).collect()
}

#[test]
fn lost_events_are_made_good_by_looking() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    // Five SYNs a second are enough to offend.
    let controller = synguard.attach(&["--syn-rate", "3", "--log-level", "info"])?;
    signal(controller.id(), Signal::STOP)?;
    let flood = Sender::start(&lab.topology, &plan(&offenders(), 20_000, 500_000))?;
    // The kernel stops them meanwhile, and has told of more than the buffer holds.
    let stood = Instant::now();
    let least = Duration::from_secs(2) * OFFENDERS / EVENTS;
    let goal = 50_000;
    wait::until_true("the flood to be stopped", wait::GENEROUS, || {
        let dropped = |status: &Value| number(status, "/dropped/rate_limited");
        let status = synguard.status().and_then(|status| dropped(&status));
        stood.elapsed() > least && status.is_ok_and(|dropped| dropped > goal)
    })?;
    ensure!(
        bans(&synguard.status()?).is_empty(),
        "somebody was promoted"
    );
    signal(controller.id(), Signal::CONT)?;
    let status = wait_for_status(synguard, "all bans", |status| {
        Ok(bans(status).len() == OFFENDERS as usize)
    })?;
    flood.stop()?;
    ensure!(
        number(&status, "/dropped/banned")? > 0,
        "{}",
        status["dropped"]
    );
    // And says what it missed.
    controller.wait_for("of sources over their rate were lost")?;
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success() && !log.contains("ERROR"), "{ended}");
    Ok(())
}

#[test]
fn a_controller_that_stands_still_cannot_keep_the_filter() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard: &Synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    signal(controller.id(), Signal::STOP)?;
    let detached = synguard.run(&["detach", &synguard.uplink])?;
    ensure!(detached.code == Some(0), "{detached:?}");
    ensure!(detached.stderr.contains("still runs"), "{detached:?}");
    ensure!(attached_id(&lab.topology.host, &synguard.uplink)?.is_none());
    signal(controller.id(), Signal::CONT)?;
    controller.wait()?;
    ensure_untouched(&lab)
}

#[test]
fn bans_beyond_the_room_are_said_and_blocks_refused_by_name() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--syn-rate", "3", "--max-rules", "1024"])?;
    let flood = Sender::start(&lab.topology, &plan(&offenders(), 20_000, 500_000))?;
    let line = controller
        .wait_for("which is half of the room for rules")?
        .text;
    ensure!(
        line.contains("512 sources are banned") && line.contains("--max-rules"),
        "{line}"
    );
    // Others are stopped over their rate.
    let before = number(&synguard.status()?, "/dropped/rate_limited")?;
    wait_for_status(synguard, "more stopped", |status| {
        Ok(number(status, "/dropped/rate_limited")? > before + 5_000)
    })?;
    flood.stop()?;
    // Half of the room is a person's.
    let last = (0..600_u32).find_map(|number| {
        let address = format!("10.0.{}.{}", number / 250, number % 250);
        let outcome = synguard.run(&["block", &address]).ok()?;
        (outcome.code != Some(0)).then_some(outcome)
    });
    let refused = last.context("everything found room")?;
    ensure!(refused.code == Some(5), "{refused:?}");
    ensure!(refused.stderr.contains("EXACT_V4 is full"), "{refused:?}");
    ensure!(!controller.text().contains("panicked"));
    let (ended, _) = controller.terminate()?;
    ensure!(ended.success(), "{ended}");
    Ok(())
}
