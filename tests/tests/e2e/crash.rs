//! `kill -9` of the controller changes nothing for the packets, and the next
//! controller takes over without letting one through.

use anyhow::{Result, ensure};
use synguard_tests::address::is_victim;
use synguard_tests::capture::Capture;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::topology::CONTAINER_END;

use crate::support::{bans, is_served, seed_plan, victims, wait_for_bans, wait_for_more_drops};

#[test]
fn the_filter_outlives_its_controller_and_is_taken_over_without_a_gap() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let first = synguard.attach(&[])?;
    let flood = Sender::start(&lab.topology, &seed_plan(2_000, 200_000))?;
    let status = wait_for_bans(synguard, &first)?;
    let id = first.id();
    ensure!(status["controller_pid"] == id, "{status:#}");
    // From here on not a single SYN of a banned source may come through.
    let leaks = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;

    first.kill()?;
    let mut status = wait_for_more_drops(synguard, &status, 2_000)?;
    ensure!(status["controller_pid"].is_null(), "{status:#}");
    ensure!(bans(&status) == victims(), "{status:#}");
    let attached_at = status["attached_at"].clone();

    let mut controller = synguard.attach(&[])?;
    // More than once, so that one lucky moment does not decide.
    for _ in 0..3 {
        status = wait_for_more_drops(synguard, &status, 2_000)?;
        ensure!(status["controller_pid"] == controller.id(), "{status:#}");
        ensure!(
            status["attached_at"] == attached_at,
            "attached anew: {status:#}"
        );
        ensure!(bans(&status) == victims(), "bans were lost: {status:#}");
        controller.kill()?;
        controller = synguard.attach(&[])?;
    }
    wait_for_more_drops(synguard, &status, 2_000)?;
    flood.stop()?;
    ensure!(
        is_served(&lab.topology, 0)?,
        "a legitimate client is not served"
    );
    let leaks = leaks.finish()?;
    ensure!(leaks == 0, "{leaks} SYNs of banned sources came through");
    controller.terminate()?;
    Ok(())
}
