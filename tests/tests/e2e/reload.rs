//! Other settings for a running filter.

use std::fs;

use anyhow::{Result, ensure};
use synguard_tests::address::{client, is_victim};
use synguard_tests::capture::Capture;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::CONTAINER_END;

use crate::config::{file, path, shown};
use crate::support::{
    bans, is_served, is_turned_away, number, seed_plan, victims, wait_for_bans,
    wait_for_more_drops, wait_for_status,
};

const BAD_INPUT: Option<i32> = Some(2);
const ABSENT: Option<i32> = Some(3);

#[test]
fn a_reload_under_flood_lets_nothing_through() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let settings = file("syn-rate = 60\n")?;
    let controller = synguard.attach(&["--config", path(&settings)?])?;
    let flood = Sender::start(&lab.topology, &seed_plan(2_000, 400_000))?;
    let mut status = wait_for_bans(synguard, &controller)?;
    let attached_at = status["attached_at"].clone();
    let leaks = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    for round in 0..20_u64 {
        let rate = 70 + round;
        // Every other time sources are other prefixes, so that rules move.
        let prefix = 32 - 8 * (round % 2);
        fs::write(
            &settings,
            format!("syn-rate = {rate}\nipv4-prefix = {prefix}\n"),
        )?;
        let outcome = synguard.succeed(&["reload", &synguard.uplink])?;
        let said = format!("syn-rate is {rate}");
        ensure!(outcome.stderr.contains(&said), "{outcome:?}");
        status = wait_for_more_drops(synguard, &status, 200)?;
        ensure!(bans(&status) == victims(), "{status:#}");
        ensure!(number(&status, "/threshold/syns_per_second")? == rate);
        ensure!(status["attached_at"] == attached_at, "{status:#}");
    }
    flood.stop()?;
    let leaks = leaks.finish()?;
    ensure!(leaks == 0, "{leaks} SYNs of banned sources came through");
    controller.terminate()?;
    Ok(())
}

#[test]
fn a_bad_file_keeps_the_running_settings() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let settings = file("syn-rate = 60\n")?;
    let file = path(&settings)?;
    let mut controller = synguard.attach(&["--config", file])?;
    let before = shown(synguard)?;
    fs::write(&settings, "syn-rate = 70\nwindow = \"soon\"\n")?;
    let outcome = synguard.run(&["reload"])?;
    ensure!(outcome.code == BAD_INPUT, "{outcome:?}");
    ensure!(
        outcome.stderr.contains(&format!("{file}:2: ")),
        "{outcome:?}"
    );
    ensure!(
        outcome.stderr.contains("nothing was changed"),
        "{outcome:?}"
    );
    // The controller was not even asked; by a signal it is.
    ensure!(
        !controller.text().contains("not reloaded"),
        "{}",
        controller.text()
    );
    controller.hang_up()?;
    let line = controller.wait_for("not reloaded, the settings stay as they were")?;
    ensure!(line.text.contains(&format!("{file}:2: ")), "{}", line.text);
    let after = shown(synguard)?;
    ensure!(after == before, "{before:#} {after:#}");
    let status = synguard.status()?;
    ensure!(
        number(&status, "/threshold/syns_per_second")? == 60,
        "{status:#}"
    );
    fs::write(&settings, "syn-rate = 70\n")?;
    let outcome = synguard.succeed(&["reload"])?;
    ensure!(outcome.stderr.contains("syn-rate is 70"), "{outcome:?}");
    let outcome = synguard.succeed(&["reload"])?;
    ensure!(outcome.stderr.contains("nothing is new"), "{outcome:?}");
    fs::remove_file(&settings)?;
    let outcome = synguard.run(&["reload"])?;
    ensure!(outcome.code == ABSENT, "{outcome:?}");
    controller.terminate()?;
    Ok(())
}

#[test]
fn what_finds_no_room_changes_nothing_however_often_it_is_tried() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let settings = file("max-rules = 1024\n")?;
    let controller = synguard.attach(&["--config", path(&settings)?])?;
    // Single addresses fill a map, and prefixes of 24 bits are to move there.
    let addresses = (0..900).map(|n| format!("10.0.{}.{}\n", n / 250, n % 250));
    let prefixes = (0..200).map(|n| format!("10.1.{n}.0/24\n"));
    let blocked = format!("{}\n", client(0));
    let list: String = addresses.chain(prefixes).chain([blocked]).collect();
    let imported = file(&list)?;
    synguard.succeed(&["import", path(&imported)?, "--list", "many"])?;
    ensure!(is_turned_away(&lab.topology, 0)? && is_served(&lab.topology, 1)?);
    fs::write(&settings, "max-rules = 1024\nipv4-prefix = 24\n")?;
    for _ in 0..2 {
        let outcome = synguard.run(&["reload"])?;
        ensure!(outcome.code != Some(0), "{outcome:?}");
        ensure!(outcome.stderr.contains("is full"), "{outcome:?}");
        ensure!(is_turned_away(&lab.topology, 0)? && is_served(&lab.topology, 1)?);
    }
    fs::write(&settings, "max-rules = 1024\nsyn-rate = 70\n")?;
    synguard.succeed(&["reload"])?;
    ensure!(is_turned_away(&lab.topology, 0)? && is_served(&lab.topology, 1)?);
    controller.terminate()?;
    Ok(())
}

#[test]
fn what_needs_a_new_attachment_is_named_and_stays() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let settings = file("")?;
    let controller = synguard.attach(&["--config", path(&settings)?])?;
    let mode = synguard.status()?["mode"].clone();
    fs::write(
        &settings,
        "max-rules = 5000\nmax-sources = 5000\nmode = \"generic\"\nlog-level = \"debug\"\nconfirm-within = \"1m\"\nwindow = \"3s\"\n",
    )?;
    let outcome = synguard.succeed(&["reload"])?;
    for key in ["max-rules", "max-sources", "mode", "confirm-within"] {
        let said = format!("not changed: {key} stays ");
        ensure!(outcome.stderr.contains(&said), "{key}: {outcome:?}");
    }
    for said in [
        "window is 3s",
        "log-level is debug",
        "tells of SYNs only if",
    ] {
        ensure!(outcome.stderr.contains(said), "{said}: {outcome:?}");
    }
    let shown = shown(synguard)?;
    ensure!(
        shown["values"]["max-rules"]["value"] == "262144",
        "{shown:#}"
    );
    ensure!(shown["values"]["window"]["value"] == "3s", "{shown:#}");
    ensure!(synguard.status()?["mode"] == mode);
    controller.wait_for("not changed by the reload: max-rules")?;
    controller.terminate()?;
    Ok(())
}

#[test]
fn a_dry_run_can_be_ended_and_begun_and_its_bans_go() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let settings = file("dry-run = true\n")?;
    let controller = synguard.attach(&["--config", path(&settings)?])?;
    Sender::start(&lab.topology, &seed_plan(4_000, 8_000))?.finish()?;
    wait_for_status(synguard, "bans of the dry run", |status| {
        Ok(bans(status) == victims())
    })?;
    fs::write(&settings, "dry-run = false\n")?;
    synguard.succeed(&["reload"])?;
    let status = synguard.status()?;
    ensure!(status["dry_run"] == false, "{status:#}");
    ensure!(bans(&status).is_empty(), "{status:#}");
    fs::write(&settings, "dry-run = true\n")?;
    synguard.succeed(&["reload"])?;
    ensure!(synguard.status()?["dry_run"] == true);
    controller.terminate()?;
    Ok(())
}

#[test]
fn challenges_can_be_switched_on_later() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let settings = file("mode = \"generic\"\nchallenge = \"off\"\n")?;
    let controller = synguard.attach(&["--config", path(&settings)?])?;
    ensure!(synguard.status()?["challenge"]["mode"] == "off");
    fs::write(&settings, "mode = \"generic\"\nchallenge = \"always\"\n")?;
    synguard.succeed(&["reload"])?;
    let status = wait_for_status(synguard, "challenges", |status| {
        Ok(status["challenge"]["mode"] == "always")
    })?;
    ensure!(status["challenge"]["obstacle"] != "kernel", "{status:#}");
    fs::write(&settings, "mode = \"generic\"\nchallenge = \"off\"\n")?;
    synguard.succeed(&["reload"])?;
    wait_for_status(synguard, "no challenges", |status| {
        Ok(status["challenge"]["mode"] == "off")
    })?;
    controller.terminate()?;
    Ok(())
}

#[test]
fn each_interface_has_its_section() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let bridge = synguard.on("br0");
    let uplink = &synguard.uplink;
    let settings = file("syn-rate = 60\n[interface.br0]\nsyn-rate = 61\n")?;
    let controller = synguard.attach(&["br0", "--config", path(&settings)?])?;
    controller.wait_for("attached to br0")?;
    let rate = |of: &Synguard| number(&of.status()?, "/threshold/syns_per_second");
    ensure!(rate(synguard)? == 60 && rate(&bridge)? == 61);
    fs::write(
        &settings,
        format!("syn-rate = 62\n[interface.{uplink}]\nsyn-rate = 63\n"),
    )?;
    let outcome = synguard.succeed(&["reload"])?;
    for said in [
        format!("{uplink}: syn-rate is 63"),
        "br0: syn-rate is 62".to_owned(),
    ] {
        ensure!(outcome.stderr.contains(&said), "{outcome:?}");
    }
    ensure!(rate(synguard)? == 63 && rate(&bridge)? == 62);
    controller.terminate()?;
    Ok(())
}

#[test]
fn without_a_controller_nobody_reloads() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    synguard.attach(&[])?.kill()?;
    let outcome = synguard.run(&["reload"])?;
    ensure!(outcome.code == ABSENT, "{outcome:?}");
    ensure!(outcome.stderr.contains("no controller runs"), "{outcome:?}");
    // What it was attached with is still known.
    let shown = shown(synguard)?;
    ensure!(shown["controller_pid"].is_null() && shown["attached"] == true);
    Ok(())
}
