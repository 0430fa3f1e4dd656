//! Answers go to whoever a SYN says that it comes from, so no network gets many.

use std::net::Ipv4Addr;
use std::time::Instant;

use anyhow::{Result, ensure};
use synguard_tests::address::CONTAINER;
use synguard_tests::clients::{self, PATIENT};
use synguard_tests::crowd::{Crowd, Plan};
use synguard_tests::seed_packet::Dress;

use super::{Place, READY, Scene};
use crate::support::{number, wait_for_status};

/// Whose addresses are borrowed: 256 of them, so that no single one is over its rate.
const NETWORK: Ipv4Addr = Ipv4Addr::new(203, 0, 114, 0);
const FLOOD: u32 = 5_000;
/// Answers for one network in a window of a second.
const EACH: f64 = 256.0;
const LIMITED: u64 = 20_000;

#[test]
fn one_network_gets_few_answers_and_others_get_theirs() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let scene = Scene::challenging(place, READY)?;
        let start = Instant::now();
        let crowd = Crowd::send(
            &scene.lab.topology,
            &Plan {
                destination: CONTAINER.into(),
                dress: Dress::PLAIN,
                network: Some(NETWORK),
                per_second: FLOOD,
            },
        )?;
        let status = wait_for_status(&scene.synguard, "limited answers", |status| {
            Ok(number(status, "/dropped/answers_limited")? > LIMITED)
        })?;
        let seconds = start.elapsed().as_secs_f64();
        let answered = number(&status, "/challenge/answered")?;
        eprintln!("{place:?}: {answered} answered in {seconds:.1} s to one /24");
        // An epoch may have begun just before, and the sketch may err by a few.
        let most = EACH * 1.1 * (seconds + 2.0);
        ensure!(answered > 0 && (answered as f64) < most, "{status:#}");
        let others = clients::run_newcomers(&scene.lab.topology, 0..40, 4, PATIENT)?;
        ensure!(others.successes() == 40, "{}", others.failures());
        // None of them had to knock twice.
        let slowest = others.connect_time(100).unwrap_or_default();
        ensure!(slowest.as_millis() < 1_000, "{slowest:?}");
        crowd.stop()?;
    }
    Ok(())
}
