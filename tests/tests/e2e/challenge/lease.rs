//! Sysctls that were set for challenges come back when nobody was there to do it.

use anyhow::{Result, ensure};
use synguard_tests::address::CONTAINER;
use synguard_tests::clients::{self, PATIENT};
use synguard_tests::crowd::Crowd;
use synguard_tests::wait;

use super::{Place, Scene, sysctls_of};

const FLOOD: u32 = 5_000;
const AUTO: &[&str] = &["--challenge", "auto", "--manage-sysctls"];

/// A filter that goes on challenging, whose controller was killed.
struct Orphan {
    scene: Scene,
    crowd: Crowd,
}

impl Orphan {
    fn new(place: Place) -> Result<Self> {
        let mut scene = Scene::attached(place, &[], AUTO)?;
        ensure!(scene.sysctls()? == ["1", "1"]);
        let crowd = Crowd::start(&scene.lab.topology, CONTAINER.into(), FLOOD)?;
        scene.controller.wait_for("challenging new clients")?;
        ensure!(scene.sysctls()? == ["2", "2"]);
        scene.controller.kill_now()?;
        let answered = scene.answered()?;
        wait::until_true("answers without a controller", wait::GENEROUS, || {
            scene.answered().is_ok_and(|now| now > answered)
        })?;
        let served = clients::run_newcomers(&scene.lab.topology, 0..4, 1, PATIENT)?;
        ensure!(served.successes() == 4, "{}", served.failures());
        ensure!(scene.sysctls()? == ["2", "2"]);
        Ok(Self { scene, crowd })
    }
}

#[test]
fn detaching_after_a_crash_puts_them_back() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let Orphan { scene, crowd } = Orphan::new(place)?;
        let uplink = scene.synguard.uplink.clone();
        scene.synguard.succeed(&["detach", &uplink])?;
        crowd.stop()?;
        ensure!(scene.sysctls()? == ["1", "1"], "{:?}", scene.sysctls()?);
        let host = sysctls_of(&scene.lab.topology.host)?;
        ensure!(host == ["1", "1"], "{host:?}");
    }
    Ok(())
}

#[test]
fn attaching_after_a_crash_puts_them_back() -> Result<()> {
    for arguments in [&["--challenge", "off"], &["--mode", "generic"], &AUTO[..2]] {
        let Orphan { scene, crowd } = Orphan::new(Place::Uplink)?;
        crowd.stop()?;
        let _controller = scene.synguard.attach(arguments)?;
        wait::until_true("the sysctls as before", wait::GENEROUS, || {
            scene.sysctls().is_ok_and(|values| values == ["1", "1"])
        })?;
    }
    Ok(())
}

/// Somebody who wants none of it has the last word.
#[test]
fn what_somebody_else_changed_meanwhile_stays() -> Result<()> {
    let Orphan { scene, crowd } = Orphan::new(Place::Server)?;
    let container = &scene.lab.topology.container;
    container.sysctl("ipv4/tcp_syncookies", "0")?;
    let uplink = scene.synguard.uplink.clone();
    scene.synguard.succeed(&["detach", &uplink])?;
    crowd.stop()?;
    ensure!(scene.sysctls()? == ["0", "1"], "{:?}", scene.sysctls()?);
    Ok(())
}
