//! An interface that is deleted and made again under flood.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use synguard_tests::address::is_victim;
use synguard_tests::capture::Capture;
use synguard_tests::lab::Lab;
use synguard_tests::sender::{Plan, Sender};
use synguard_tests::topology::{CONTAINER_END, Topology};

use super::{wait_for_time, whole_status};
use crate::support::{
    bans, is_served, number, seed_plan, victims, wait_for_bans, wait_for_more_drops,
    wait_for_status,
};

const ROUNDS: usize = 5;
/// What is asked for.
const PROTECTED_WITHIN: Duration = Duration::from_secs(1);

/// A flood that goes on whenever there is a way, however often the uplink is made anew.
struct Enduring {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Enduring {
    fn start(topology: &Topology, plan: Plan) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (topology, end) = (topology.clone(), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let goes_on = || !end.load(Ordering::Relaxed);
            while goes_on() {
                // Without an uplink there is nothing to send by.
                let sender = Sender::start(&topology, &plan).ok();
                while goes_on() && sender.as_ref().is_some_and(|sender| !sender.is_over()) {
                    thread::sleep(Duration::from_millis(1));
                }
                drop(sender);
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Enduring {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[test]
fn made_again_under_flood_it_is_filtered_again_at_once() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let uplink = &synguard.uplink;
    let controller = synguard.attach(&[])?;
    let flood = Enduring::start(&lab.topology, seed_plan(2_000, 400_000));
    let mut before = wait_for_bans(synguard, &controller)?;
    let last = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&last);
    let leaks = Capture::start(&lab.topology.container, CONTAINER_END, move |segment| {
        let leaks = segment.opens() && is_victim(segment.source);
        if leaks {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        leaks
    })?;
    for round in 1..=ROUNDS {
        lab.topology.cut_uplink()?;
        wait_for_time(&controller, "the interface is gone", round)?;
        let status = synguard.status()?;
        ensure!(status["waiting"] == true && status["in_place"] == false);
        ensure!(status["controller_pid"] == controller.id(), "{status:#}");
        let shown = synguard.succeed(&["status"])?.stdout;
        ensure!(shown.contains("waiting for it to come back"), "{shown}");

        let made = Instant::now();
        lab.topology.restore_uplink()?;
        let back = wait_for_time(&controller, "it is back: filtered again", round)?;
        let leaked = leaks.count();
        let after = wait_for_more_drops(synguard, &status, 1_000)?;
        ensure!(
            leaks.count() == leaked,
            "SYNs came through after {}",
            back.text
        );
        ensure!(after["waiting"] == false && after["in_place"] == true);
        ensure!(bans(&after) == victims(), "bans were lost: {after:#}");
        let packets = |status| number(status, "/packets");
        ensure!(packets(&after)? > packets(&before)?, "counters were lost");
        ensure!(after["attached_at"] == before["attached_at"], "{after:#}");
        let last = *last.lock().unwrap_or_else(PoisonError::into_inner);
        let open = last.map_or(Duration::ZERO, |last| last.saturating_duration_since(made));
        ensure!(open < PROTECTED_WITHIN, "open for {open:?}: {}", back.text);
        println!(
            "{leaked} SYNs in all, the last {open:?} after its making began: {}",
            back.text
        );
        before = after;
    }
    drop(flood);
    ensure!(is_served(&lab.topology, 0)?, "a client is not served");
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    ensure!(synguard.pins_of(uplink)?.is_empty());
    Ok(())
}

#[test]
fn its_new_addresses_are_protected() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    let address = Ipv4Addr::new(192, 0, 2, 77);
    lab.topology.cut_uplink()?;
    wait_for_time(&controller, "no longer protected 192.0.2.2", 1)?;
    lab.topology.restore_uplink()?;
    controller.wait_for("it is back")?;
    let uplink = &synguard.uplink;
    let prefix = format!("{address}/24");
    lab.topology
        .host
        .run("ip", &["address", "add", &prefix, "dev", uplink])?;
    controller.wait_for(&format!("protected {address} (this host's own address)"))?;
    wait_for_status(synguard, "its protection", |status| {
        let rules = status["rules"].as_array().context("no rules")?;
        Ok(rules
            .iter()
            .any(|rule| rule["prefix"] == address.to_string()))
    })?;
    let refused = synguard.run(&["block", &address.to_string()])?;
    ensure!(refused.code == Some(7), "{refused:?}");
    controller.terminate()?;
    Ok(())
}

#[test]
fn a_controller_that_is_told_to_end_waits_for_nothing() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--keep"])?;
    lab.topology.cut_uplink()?;
    controller.wait_for("the interface is gone")?;
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    let status = synguard.status()?;
    ensure!(status["waiting"] == false && status["in_place"] == false);
    // Its state is there for who attaches next.
    lab.topology.restore_uplink()?;
    let controller = synguard.attach(&[])?;
    let whole = whole_status(synguard)?;
    ensure!(whole["interfaces"][0]["in_place"] == true, "{whole:#}");
    controller.terminate()?;
    Ok(())
}
