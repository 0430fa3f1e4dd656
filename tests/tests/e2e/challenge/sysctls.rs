//! Sysctls that are not as cookies want them, and who may set them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::address::CONTAINER;
use synguard_tests::clients::{self, PATIENT};
use synguard_tests::crowd::Crowd;

use super::{Place, READY, Scene};
use crate::support::wait_for_status;

/// Many times the threshold, and no load to speak of.
const FLOOD: u32 = 5_000;

#[test]
fn without_them_syns_are_left_to_the_kernel_until_somebody_sets_them() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let scene = Scene::attached(place, &[], &["--mode", "generic"])?;
        left_to_the_kernel(&scene)?;
        for (key, value) in READY {
            let container = &scene.lab.topology.container;
            container.sysctl(&format!("ipv4/{key}"), value)?;
        }
        scene.controller.wait_for("nothing is in the way")?;
        let crowd = Crowd::start(&scene.lab.topology, CONTAINER.into(), FLOOD)?;
        scene.controller.wait_for("challenging new clients")?;
        wait_for_status(&scene.synguard, "answers", |status| {
            Ok(status["challenge"]["answered"] != 0)
        })?;
        let served = clients::run_newcomers(&scene.lab.topology, 0..4, 1, PATIENT)?;
        ensure!(served.successes() == 4, "{}", served.failures());
        crowd.stop()?;
    }
    Ok(())
}

fn left_to_the_kernel(scene: &Scene) -> Result<()> {
    let said = scene.controller.wait_for("cannot be challenged")?.text;
    ensure!(said.contains("left to the kernel"), "{said}");
    ensure!(
        said.contains("net.ipv4.tcp_syncookies is not 2"),
        "no reason: {said}"
    );
    let crowd = Crowd::start(&scene.lab.topology, CONTAINER.into(), FLOOD)?;
    scene.controller.wait_for("spoofed flood")?;
    let served = clients::run_newcomers(&scene.lab.topology, 0..4, 1, PATIENT)?;
    ensure!(served.successes() == 4, "{}", served.failures());
    let status = scene.synguard.status()?;
    crowd.stop()?;
    let challenge = &status["challenge"];
    ensure!(challenge["mode"] == "auto", "{challenge:#}");
    ensure!(challenge["answered"] == 0, "{challenge:#}");
    ensure!(challenge["engaged_since"].is_null(), "{challenge:#}");
    ensure!(challenge["obstacle"] == "listeners", "{challenge:#}");
    let listeners = challenge["listeners"].as_array().context("no list")?;
    let hindered = |listener: &Value| listener["hindrance"] == "tcp_syncookies";
    ensure!(!listeners.is_empty(), "{challenge:#}");
    ensure!(listeners.iter().all(hindered), "{challenge:#}");
    let text = scene.synguard.succeed(&["status"])?.stdout;
    ensure!(text.contains("tcp_syncookies is not 2"), "{text}");
    ensure!(scene.sysctls()? == ["1", "1"], "{:?}", scene.sysctls()?);
    scene.controller.wait_for("flood is over")?;
    Ok(())
}
