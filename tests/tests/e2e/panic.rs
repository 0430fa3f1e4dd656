//! `synguard panic`: nothing is dropped any more, whoever is alive.

use std::fs::File;
use std::process::Command;

use anyhow::{Result, ensure};
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;

use crate::config::{file, path};
use crate::support::{bans, everything_passes, nothing_passes, seed_plan, wait_for_bans};

#[test]
fn panic_opens_the_gate_and_its_end_shuts_it_with_a_controller() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    let flood = Sender::start(&lab.topology, &seed_plan(1_000, 400_000))?;
    wait_for_bans(synguard, &controller)?;
    let text = synguard.succeed(&["status"])?.stdout;
    for said in ["safe: bans stop new connections", "see above"] {
        ensure!(text.contains(said), "{text}");
    }
    let outcome = synguard.succeed(&["panic"])?;
    for said in [
        "nothing is dropped any more",
        "--over",
        "2 bans were lifted",
    ] {
        ensure!(outcome.stderr.contains(said), "{outcome:?}");
    }
    everything_passes(&lab)?;
    let status = synguard.status()?;
    ensure!(
        status["panic"] == true && status["dry_run"] == true,
        "{status:#}"
    );
    let text = synguard.succeed(&["status"])?.stdout;
    ensure!(text.contains("PANIC, nothing is dropped"), "{text}");
    ensure!(text.contains("--over"), "{text}");
    ensure!(text.contains("safe: every packet passes"), "{text}");
    let blocked = synguard.succeed(&["block", "203.0.113.200"])?;
    ensure!(blocked.stderr.contains("--over"), "{blocked:?}");
    controller.wait_for("panic: nothing is dropped")?;
    controller.wait_for("would have promoted")?;
    synguard.succeed(&["panic", "--over"])?;
    let status = synguard.status()?;
    ensure!(
        status["panic"] == false && status["dry_run"] == false,
        "{status:#}"
    );
    nothing_passes(&lab)?;
    flood.stop()?;
    controller.terminate()?;
    Ok(())
}

#[test]
fn panic_needs_no_controller() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    let flood = Sender::start(&lab.topology, &seed_plan(1_000, 400_000))?;
    wait_for_bans(synguard, &controller)?;
    controller.kill()?;
    synguard.succeed(&["panic", &synguard.uplink])?;
    ensure!(bans(&synguard.status()?).is_empty());
    everything_passes(&lab)?;
    // Neither a controller that takes over nor one that attaches anew ends it.
    let settings = file("dry-run = false\n")?;
    let controller = synguard.attach(&["--config", path(&settings)?])?;
    controller.wait_for("panic: nothing is dropped")?;
    synguard.succeed(&["reload"])?;
    everything_passes(&lab)?;
    controller.terminate()?;
    let controller = synguard.attach(&[])?;
    controller.wait_for("panic: nothing is dropped")?;
    ensure!(synguard.status()?["panic"] == true);
    everything_passes(&lab)?;
    synguard.succeed(&["panic", "--over"])?;
    nothing_passes(&lab)?;
    let again = synguard.succeed(&["panic", "--over"])?;
    ensure!(again.stderr.contains("there is no panic"), "{again:?}");
    controller.terminate()?;
    let controller = synguard.attach(&[])?;
    ensure!(synguard.status()?["panic"] == false);
    flood.stop()?;
    controller.terminate()?;
    Ok(())
}

/// A command that hangs with the rules locked is one more reason to panic.
#[test]
fn panic_does_not_wait_for_who_hangs() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    synguard.attach(&[])?.kill()?;
    let path = format!("/run/synguard/{}.rules.lock", synguard.uplink);
    let lock = synguard.mounts.inside(|| File::open(path))??;
    lock.lock()?;
    let outcome = synguard.succeed(&["panic"])?;
    ensure!(outcome.stderr.contains("nothing is dropped"), "{outcome:?}");
    ensure!(synguard.status()?["panic"] == true);
    drop(lock);
    synguard.succeed(&["panic", "--over"])?;
    Ok(())
}

#[test]
fn there_is_nothing_to_panic_about_where_nothing_is_attached() -> Result<()> {
    let lab = Lab::without_services()?;
    let outcome = lab.synguard.run(&["panic"])?;
    ensure!(outcome.code == Some(3), "{outcome:?}");
    let mut unprivileged: Command =
        lab.synguard
            .command_under(&["setpriv", "--reuid", "65534", "--clear-groups"]);
    let outcome = synguard_tests::synguard::outcome(unprivileged.arg("panic"))?;
    ensure!(outcome.code == Some(4), "{outcome:?}");
    Ok(())
}
