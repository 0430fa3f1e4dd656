//! `--dry-run` says what it would have done, and does nothing.

use anyhow::{Result, ensure};
use synguard_tests::address::{VICTIMS, is_victim};
use synguard_tests::capture::Capture;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::topology::CONTAINER_END;
use synguard_tests::wait;

use crate::support::{number, seed_plan, wait_for_status};

#[test]
fn a_dry_run_drops_nothing_and_tells_what_it_would_have() -> Result<()> {
    let lab = Lab::new()?;
    let controller = lab.synguard.attach(&["--dry-run"])?;
    let through = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    let sent = Sender::start(&lab.topology, &seed_plan(1_000, 3_000))?.finish()?;
    wait::until_true("every SYN in the container", wait::GENEROUS, || {
        through.count() == sent
    })?;
    for victim in VICTIMS {
        controller.wait_for(&format!("would have promoted {victim}"))?;
    }
    let status = wait_for_status(&lab.synguard, "every SYN", |status| {
        Ok(number(status, "/syns")? >= sent)
    })?;
    ensure!(status["dry_run"] == true, "{status:#}");
    // Here "dropped" is what would have been: all but the first few.
    ensure!(number(&status, "/dropped/total")? >= sent / 2, "{status:#}");
    controller.terminate()?;
    Ok(())
}
