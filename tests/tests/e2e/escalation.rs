//! Every further ban of the same source lasts twice as long as the one before.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::address::VICTIMS;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;

use crate::support::{number, plan, wait_for_status};

const BAN_TIMES: [&str; 4] = ["--ban-time", "2s", "--max-ban-time", "5s"];

/// The third would last eight seconds, were that not more than the most.
const LASTING: [u64; 3] = [2, 4, 5];

#[test]
fn every_further_ban_lasts_twice_as_long() -> Result<()> {
    let lab = Lab::without_services()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&BAN_TIMES)?;
    let [first, second] = VICTIMS;
    // A minute at most; the case ends it.
    let flood = Sender::start(&lab.topology, &plan(&[first.into()], 500, 30_000))?;
    for (offences, lasts) in (1..).zip(LASTING) {
        let promoted = format!("promoted {first} for {lasts}s");
        controller.wait_for(&promoted)?;
        // On a starved machine the next ban may be there by now.
        let status = wait_for_status(synguard, &promoted, |status| {
            let ban = ban(status, &first.to_string());
            ban.map_or(Ok(false), |ban| Ok(count(ban)? >= offences))
        })?;
        let ban = ban(&status, &first.to_string()).context("no ban")?;
        let lasts = LASTING.get(count(ban)? - 1).or(LASTING.last());
        let left = number(ban, "/expires_in_seconds")?;
        ensure!(lasts.is_some_and(|lasts| left <= *lasts), "{ban:#}");
    }
    flood.stop()?;

    // Nobody else pays for it.
    let flood = Sender::start(&lab.topology, &plan(&[second.into()], 500, 30_000))?;
    controller.wait_for(&format!("promoted {second} for 2s"))?;
    flood.stop()?;
    Ok(())
}

/// How often it has been banned, this time included.
fn count(ban: &Value) -> Result<usize> {
    Ok(usize::try_from(number(ban, "/evidence/offences")?)?)
}

fn ban<'status>(status: &'status Value, prefix: &str) -> Option<&'status Value> {
    let mut rules = status["rules"].as_array()?.iter();
    rules.find(|rule| rule["prefix"] == prefix)
}
