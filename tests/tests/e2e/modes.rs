//! Native and generic mode, and the way from one to the other.

use anyhow::{Result, ensure};
use synguard_tests::address::VICTIMS;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;

use crate::support::plan;

/// A bridge has no native XDP in any kernel.
const BRIDGE: &str = "br0";

#[test]
fn the_mode_is_as_asked_for() -> Result<()> {
    for (mode, expected, key) in [
        ("auto", "native", 1),
        ("native", "native", 1),
        ("generic", "generic", 2),
    ] {
        let lab = Lab::without_services()?;
        let controller = lab.synguard.attach(&["--mode", mode])?;
        controller.wait_for(&format!("{expected} mode"))?;
        let status = lab.synguard.status()?;
        ensure!(status["mode"] == expected, "{mode}: {status:#}");
        let uplink = &lab.synguard.uplink;
        let shown = lab
            .topology
            .host
            .run("ip", &["-json", "link", "show", "dev", uplink])?;
        let links: serde_json::Value = serde_json::from_str(&shown)?;
        // The kernel's own word for it: 1 is native, 2 is generic.
        ensure!(links[0]["xdp"]["mode"] == key, "{mode}: {shown}");
    }
    Ok(())
}

#[test]
fn auto_falls_back_to_generic_and_says_why() -> Result<()> {
    let lab = Lab::without_services()?;
    let bridge = lab.synguard.on(BRIDGE);
    let controller = bridge.attach(&[])?;
    controller.wait_for("generic")?;
    ensure!(bridge.status()?["mode"] == "generic");
    let before = controller.text();
    let why = before
        .lines()
        .any(|line| line.contains("native") && line.contains("generic"));
    ensure!(why, "no reason in the log:\n{before}");
    Ok(())
}

#[test]
fn native_is_refused_where_there_is_none() -> Result<()> {
    let lab = Lab::without_services()?;
    let outcome = lab.synguard.run(&["attach", BRIDGE, "--mode", "native"])?;
    ensure!(outcome.code == Some(5), "{outcome:?}");
    ensure!(
        outcome.stderr.contains("generic"),
        "no way out is named: {outcome:?}"
    );
    ensure!(lab.synguard.on(BRIDGE).pins()?.is_empty());
    Ok(())
}

/// The kernel-side log is other code for the verifier.
#[test]
fn the_debug_log_tells_of_every_syn() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&["--log-level", "debug"])?;
    let flood = plan(&VICTIMS.map(Into::into), 100, 6);
    Sender::start(&lab.topology, &flood)?.finish()?;
    controller.wait_for("SYN from")?;
    controller.terminate()?;
    Ok(())
}
