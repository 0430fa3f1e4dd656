//! Clients of real servers while a flood of spoofed sources goes on, as fast as the
//! machine can send it.

use std::net::IpAddr;
use std::ops::Range;
use std::time::Instant;

use anyhow::{Result, ensure};
use synguard_tests::address::{CONTAINER, newcomer};
use synguard_tests::clients::{self, PATIENT};
use synguard_tests::crowd::{Crowd, MAX_PER_SECOND};
use synguard_tests::download::Download;
use synguard_tests::tally::Tally;
use synguard_tests::upload;

use super::{Place, QUICK, SLOW, Scene, connection, shifts, sysctls_of};
use crate::support::{number, wait_for_status};

/// Who connects before the flood, so that there is something to compare with.
const BEFORE: Range<u16> = 0..100;
/// Who connects in it. None of them ever did before.
const DURING: Range<u16> = 1_000..1_300;
/// Who transfers something large in it.
const TRANSFERS: Range<u16> = 2_000..2_004;
/// Who connects after it.
const AFTER: Range<u16> = 3_000..3_020;
const WORKERS: usize = 4;

const AUTO: &[&str] = &["--challenge", "auto", "--manage-sysctls"];

#[test]
fn a_plain_server_serves_in_a_flood() -> Result<()> {
    serves_in_a_flood(Place::Server)
}

#[test]
fn a_container_behind_a_bridge_serves_in_a_flood() -> Result<()> {
    serves_in_a_flood(Place::Uplink)
}

fn serves_in_a_flood(place: Place) -> Result<()> {
    let scene = Scene::attached(place, &[], AUTO)?;
    let before = scene.sysctls()?;
    let calm = scene.newcomers(BEFORE)?;
    ensure!(scene.answered()? == 0);

    let crowd = Crowd::start(&scene.lab.topology, CONTAINER.into(), MAX_PER_SECOND)?;
    scene.controller.wait_for("challenging new clients")?;
    ensure!(scene.sysctls()? == ["2", "2"], "{:?}", scene.sysctls()?);
    let (from, start) = (Counts::of(&scene)?, Instant::now());
    let flooded = scene.newcomers(DURING)?;
    let (to, seconds) = (Counts::of(&scene)?, start.elapsed().as_secs_f64());
    scene.transfer(TRANSFERS)?;
    let sent = crowd.stop()?;

    let (syns, answered) = (to.syns - from.syns, to.answered - from.answered);
    eprintln!(
        "{place:?}: {:.0} SYNs/s, {:.0} answered/s; connect p50/p99 {} before, {} in the flood; \
         {}/{} served; {sent} sent in all",
        syns as f64 / seconds,
        answered as f64 / seconds,
        times(&calm),
        times(&flooded),
        flooded.successes(),
        DURING.len(),
    );
    ensure!(
        answered * 2 > syns,
        "{answered} of {syns} SYNs were answered"
    );
    mostly_served(&flooded, DURING.len())?;
    scene.calms_down(&before)?;
    mostly_served(&scene.newcomers(AFTER)?, AFTER.len())
}

/// At least 99 of 100.
fn mostly_served(tally: &Tally, count: usize) -> Result<()> {
    ensure!(tally.answers.len() == count);
    ensure!(
        tally.successes() * 100 >= count * 99,
        "{} of {count}:\n{}",
        tally.successes(),
        tally.failures()
    );
    Ok(())
}

fn times(tally: &Tally) -> String {
    let time = |percent| tally.connect_time(percent).unwrap_or_default();
    format!("{:.1?}/{:.1?}", time(50), time(99))
}

struct Counts {
    syns: u64,
    answered: u64,
}

impl Counts {
    fn of(scene: &Scene) -> Result<Self> {
        let status = scene.synguard.status()?;
        Ok(Self {
            syns: number(&status, "/syns")?,
            answered: number(&status, "/challenge/answered")?,
        })
    }
}

impl Scene {
    fn newcomers(&self, numbers: Range<u16>) -> Result<Tally> {
        clients::run_newcomers(&self.lab.topology, numbers, WORKERS, PATIENT)
    }

    /// Eight megabytes either way, each by a newcomer who is challenged, with the
    /// options that both ends want.
    fn transfer(&self, numbers: Range<u16>) -> Result<()> {
        let (internet, container) = (&self.lab.topology.internet, &self.lab.topology.container);
        let server = IpAddr::from(CONTAINER);
        for (number, slow) in numbers.zip([true, false].into_iter().cycle()) {
            let client = IpAddr::from(newcomer(number));
            let download = Download::start(internet, client, server, QUICK)?;
            if slow {
                // As long as the looking takes, however busy the machine is.
                let watched = IpAddr::from(newcomer(number + 200));
                let _under_way = Download::start(internet, watched, server, SLOW)?;
                let near = connection(internet, watched, server)?;
                let far = connection(container, server, watched)?;
                for option in [" ts ", " sack "] {
                    ensure!(near.contains(option) && far.contains(option), "{near}{far}");
                }
                let (sends, receives) = shifts(&near)?;
                ensure!(shifts(&far)? == (receives, sends), "{near}{far}");
                ensure!(sends > 0 && receives > 0, "{near}");
            }
            download.finish(self.services()?)?;
            upload::run(
                internet,
                newcomer(number + 100).into(),
                server,
                self.services()?,
            )?;
        }
        Ok(())
    }

    /// Nobody is challenged any more, and everything is as it was before.
    fn calms_down(&self, before: &[String; 2]) -> Result<()> {
        self.controller.wait_for("no longer challenging")?;
        wait_for_status(&self.synguard, "the end of challenges", |status| {
            Ok(status["challenge"]["engaged_since"].is_null())
        })?;
        self.controller
            .wait_for("put net.ipv4.tcp_timestamps back")?;
        ensure!(self.sysctls()? == *before, "{:?}", self.sysctls()?);
        let host = sysctls_of(&self.lab.topology.host)?;
        ensure!(host == ["1", "1"], "{host:?}");
        Ok(())
    }
}
