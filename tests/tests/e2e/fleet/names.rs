//! Which interfaces: the command line's, or the file's, now and after a reload.

use anyhow::{Result, ensure};
use serde_json::Value;
use synguard_tests::foreign::attached_id;
use synguard_tests::lab::Lab;
use synguard_tests::topology::unique_interface;

use super::{Settings, add_interface, attach, wait_for_time, whole_status};
use crate::support::{ensure_untouched, wait_for_no_program};

const BAD_INPUT: Option<i32> = Some(2);
const TAKEN: Option<i32> = Some(6);

#[test]
fn somebody_has_to_say_which() -> Result<()> {
    let lab = Lab::without_services()?;
    for text in ["", "interfaces = []\n"] {
        let settings = Settings::new(text)?;
        let outcome = lab.synguard.run(&["attach", &settings.argument()])?;
        ensure!(outcome.code == BAD_INPUT, "{outcome:?}");
        ensure!(outcome.stderr.contains("which interface?"), "{outcome:?}");
    }
    ensure_untouched(&lab)
}

#[test]
fn what_the_file_names_is_attached_or_waited_for() -> Result<()> {
    let lab = Lab::without_services()?;
    let (host, synguard) = (&lab.topology.host, &lab.synguard);
    let (uplink, late) = (&synguard.uplink, unique_interface());
    let settings = Settings::new(&format!("interfaces = [\"{uplink}\", \"{late}\"]\n"))?;
    let mut controller = attach(&lab, &[&settings.argument()])?;
    controller.wait_for(&format!("attached to {uplink} "))?;
    controller.wait_for(&format!(
        "{late}: there is no such interface: waiting for it"
    ))?;
    let whole = whole_status(synguard)?;
    ensure!(whole["waiting"][0]["interface"] == late, "{whole:#}");
    ensure!(
        whole["waiting"][0]["controller_pid"] == controller.id(),
        "{whole:#}"
    );
    let shown = synguard.succeed(&["status", &late])?.stdout;
    ensure!(shown.contains("waiting for it"), "{shown}");
    add_interface(&lab, &late)?;
    controller.wait_for(&format!("attached to {late} "))?;
    ensure!(whole_status(synguard)?["waiting"] == Value::Array(Vec::new()));

    settings.write("interfaces = [\"br0\"]\n")?;
    let outcome = synguard.succeed(&["reload", uplink])?;
    ensure!(
        outcome.stderr.contains("detached, as `interfaces`"),
        "{outcome:?}"
    );
    for gone in [uplink, &late] {
        controller.wait_for(&format!(
            "{gone}: detached, as `interfaces` no longer names it"
        ))?;
        wait_for_no_program(&lab, gone)?;
    }
    controller.wait_for("attached to br0 ")?;
    // What cannot be changes nothing.
    settings.write("interfaces = [\"br0\", 5]\n")?;
    controller.hang_up()?;
    controller.wait_for("br0: not reloaded")?;
    settings.write("")?;
    controller.hang_up()?;
    controller.wait_for("interfaces stays br0")?;
    ensure!(attached_id(host, "br0")?.is_some());
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    ensure_untouched(&lab)
}

#[test]
fn an_interface_has_one_controller() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let uplink = &synguard.uplink;
    let first = synguard.attach(&["--keep"])?;
    let settings = Settings::new(&format!("interfaces = [\"{uplink}\"]\n"))?;
    let refused = synguard.run(&["attach", &settings.argument()])?;
    ensure!(refused.code == TAKEN, "{refused:?}");
    let said = format!("its controller is running (process {})", first.id());
    ensure!(refused.stderr.contains(&said), "{refused:?}");

    settings.write(&format!("interfaces = [\"{uplink}\", \"br0\"]\n"))?;
    let second = attach(&lab, &[&settings.argument()])?;
    second.wait_for("attached to br0 ")?;
    let line = second.wait_for(&said)?.text;
    ensure!(line.contains("left alone"), "{line}");
    ensure!(synguard.status()?["controller_pid"] == first.id());
    first.terminate()?;
    // Whoever is left takes over.
    let took_over = format!("took over the running filter: attached to {uplink} ");
    wait_for_time(&second, &took_over, 1)?;
    ensure!(synguard.status()?["controller_pid"] == second.id());
    second.terminate()?;
    Ok(())
}

#[test]
fn who_waits_for_a_name_alone_can_be_asked_too() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let name = unique_interface();
    let settings = Settings::new(&format!("interfaces = [\"{name}\"]\n"))?;
    let controller = attach(&lab, &[&settings.argument()])?;
    controller.wait_for("waiting for it")?;
    settings.write(&format!("interfaces = [\"{}\"]\n", synguard.uplink))?;
    synguard.succeed(&["reload"])?;
    controller.wait_for(&format!("attached to {} ", synguard.uplink))?;
    controller.terminate()?;
    Ok(())
}
