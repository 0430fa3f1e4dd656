//! `attach --confirm-within`: who locked himself out gets in again.

use anyhow::{Result, ensure};
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;

use crate::support::{
    ensure_untouched, everything_passes, nothing_passes, number, seed_plan, wait_for_bans,
    wait_for_status,
};

const ABSENT: Option<i32> = Some(3);

#[test]
fn unconfirmed_it_detaches_by_itself() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&["--confirm-within", "2s"])?;
    controller.wait_for("unless `synguard confirm")?;
    let (ended, log) = controller.wait()?;
    ensure!(ended.success(), "{ended}: {log}");
    ensure!(log.contains("in time: detached"), "{log}");
    ensure_untouched(&lab)
}

#[test]
fn confirmed_it_stays() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--confirm-within", "20s"])?;
    ensure!(synguard.status()?["confirm_by"].is_string());
    let text = synguard.succeed(&["status"])?.stdout;
    ensure!(text.contains("unless `synguard confirm"), "{text}");
    let outcome = synguard.succeed(&["confirm", &synguard.uplink])?;
    ensure!(outcome.stderr.contains("the filter stays"), "{outcome:?}");
    controller.wait_for("confirmed: the filter stays")?;
    wait_for_status(synguard, "more time than there was to confirm", |status| {
        Ok(number(status, "/uptime_seconds")? > 22)
    })?;
    let status = synguard.status()?;
    ensure!(status["confirm_by"].is_null() && status["unconfirmed"] == false);
    ensure!(status["controller_pid"] == controller.id(), "{status:#}");
    let again = synguard.succeed(&["confirm"])?;
    ensure!(again.stderr.contains("nothing to confirm"), "{again:?}");
    controller.terminate()?;
    Ok(())
}

/// The kernel cannot detach anything alone, but it can let everything pass.
#[test]
fn unconfirmed_everything_passes_after_a_crash() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&["--confirm-within", "10s"])?;
    let flood = Sender::start(&lab.topology, &seed_plan(1_000, 400_000))?;
    wait_for_bans(synguard, &controller)?;
    controller.kill()?;
    everything_passes(&lab)?;
    let status = synguard.status()?;
    ensure!(
        status["unconfirmed"] == true && status["dry_run"] == true,
        "{status:#}"
    );
    let text = synguard.succeed(&["status"])?.stdout;
    ensure!(text.contains("NOT FILTERING: nobody confirmed"), "{text}");
    let late = synguard.run(&["confirm"])?;
    ensure!(
        late.code == ABSENT && late.stderr.contains("too late"),
        "{late:?}"
    );
    ensure!(synguard.status()?["unconfirmed"] == true);

    let controller = synguard.attach(&[])?;
    let status = synguard.status()?;
    ensure!(status["unconfirmed"] == false && status["confirm_by"].is_null());
    nothing_passes(&lab)?;
    flood.stop()?;
    controller.terminate()?;
    Ok(())
}

#[test]
fn who_takes_over_confirms_nothing() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    synguard.attach(&["--confirm-within", "1h"])?.kill()?;
    for flags in [&[][..], &["--confirm-within", "1day"]] {
        let controller = synguard.attach(flags)?;
        controller.wait_for("it detaches in 59m")?;
        synguard.succeed(&["reload"])?;
        ensure!(synguard.status()?["confirm_by"].is_string());
        controller.kill()?;
    }
    synguard.succeed(&["confirm"])?;
    ensure!(synguard.status()?["confirm_by"].is_null());
    Ok(())
}
