//! SYNs that come twice, with data, or when challenges have just begun or ended.

use anyhow::{Context, Result, ensure};
use synguard_tests::address::CONTAINER;
use synguard_tests::crowd::Crowd;

use super::talk::{QUESTION, Talk};
use super::{Place, READY, Scene};
use crate::support::number;

const FLOOD: u32 = 5_000;
const AUTO: &[&str] = &["--challenge", "auto", "--manage-sysctls"];

/// Runs a case without challenges first: whoever can connect then can connect always.
fn also_when_challenged(case: impl Fn(&Scene) -> Result<()>) -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let plain = Scene::attached(place, READY, &["--challenge", "off"])?;
        case(&plain).context("without challenges")?;
        ensure!(plain.answered()? == 0);
        let challenging = Scene::challenging(place, READY)?;
        case(&challenging).context("with challenges")?;
        ensure!(challenging.answered()? > 0, "nobody was challenged");
    }
    Ok(())
}

#[test]
fn a_syn_that_comes_twice_is_answered_twice() -> Result<()> {
    also_when_challenged(|scene| {
        for (port, which) in [(40_000, 0), (40_001, 1)] {
            let talk = Talk::new(scene, port)?;
            let answers = [talk.open(&[])?, talk.open(&[])?];
            talk.go_on(&answers[which])?;
        }
        Ok(())
    })
}

#[test]
fn data_in_a_syn_does_not_harm() -> Result<()> {
    also_when_challenged(|scene| {
        let talk = Talk::new(scene, 40_000)?;
        talk.go_on(&talk.open(QUESTION)?)
    })
}

#[test]
fn who_began_before_challenges_goes_on() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let scene = Scene::attached(place, &[], AUTO)?;
        let talks = [Talk::new(&scene, 40_000)?, Talk::new(&scene, 40_001)?];
        let before = [talks[0].open(&[])?, talks[1].open(&[])?];
        let crowd = Crowd::start(&scene.lab.topology, CONTAINER.into(), FLOOD)?;
        scene.controller.wait_for("challenging new clients")?;
        // The SYN again: the server remembers it, and says the same again.
        let again = talks[0].open(&[])?;
        ensure!(again.sequence == before[0].sequence, "{again:?} {before:?}");
        talks[0].go_on(&again)?;
        // The ACK at once.
        talks[1].go_on(&before[1])?;
        crowd.stop()?;
    }
    Ok(())
}

#[test]
fn who_was_challenged_last_is_served() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let scene = Scene::attached(place, &[], AUTO)?;
        let crowd = Crowd::start(&scene.lab.topology, CONTAINER.into(), FLOOD)?;
        scene.controller.wait_for("challenging new clients")?;
        let talk = Talk::new(&scene, 40_000)?;
        let syn_ack = talk.open(&[])?;
        crowd.stop()?;
        scene.controller.wait_for("no longer challenging")?;
        talk.go_on(&syn_ack)?;
        ensure!(number(&scene.synguard.status()?, "/challenge/answered")? > 0);
    }
    Ok(())
}
