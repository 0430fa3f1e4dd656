//! What several cases ask and send.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::address::{CONTAINER, CONTAINER6, VICTIMS, is_victim};
use synguard_tests::capture::Capture;
use synguard_tests::clients;
use synguard_tests::controller::Controller;
use synguard_tests::foreign::attached_id;
use synguard_tests::lab::Lab;
use synguard_tests::seed_packet::Dress;
use synguard_tests::sender::{Plan, Sender};
use synguard_tests::synguard::Synguard;
use synguard_tests::tally::Request;
use synguard_tests::topology::{CONTAINER_END, Topology};
use synguard_tests::wait;

/// The number at a JSON pointer.
pub fn number(value: &Value, pointer: &str) -> Result<u64> {
    let found = value.pointer(pointer).and_then(Value::as_u64);
    found.with_context(|| format!("no number at {pointer} in {value:#}"))
}

/// Asks for the status until it is as wanted.
pub fn wait_for_status(
    synguard: &Synguard,
    what: &str,
    mut wanted: impl FnMut(&Value) -> Result<bool>,
) -> Result<Value> {
    wait::until(what, wait::GENEROUS, || match synguard.status() {
        Ok(status) => match wanted(&status) {
            Ok(true) => Some(Ok(status)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        },
        Err(error) => Some(Err(error)),
    })?
}

/// Waits until so many more packets than in `before` have been dropped.
pub fn wait_for_more_drops(synguard: &Synguard, before: &Value, more: u64) -> Result<Value> {
    let goal = number(before, "/dropped/total")? + more;
    wait_for_status(synguard, "more dropped packets", |status| {
        Ok(number(status, "/dropped/total")? >= goal)
    })
}

/// The prefixes of the rules with this action and origin, in order.
pub fn rules(status: &Value, action: &str, origin: &str) -> Vec<String> {
    let all = status["rules"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let picked = all
        .iter()
        .filter(|rule| rule["action"] == action && rule["origin"] == origin);
    let mut prefixes: Vec<_> = picked
        .filter_map(|rule| rule["prefix"].as_str().map(str::to_owned))
        .collect();
    prefixes.sort();
    prefixes
}

/// The record of the source of this name, if it is among the busiest.
pub fn source<'status>(status: &'status Value, name: &str) -> Option<&'status Value> {
    let mut all = status["sources"].as_array()?.iter();
    all.find(|source| source["source"] == name)
}

/// The prefixes of the automatic bans.
pub fn bans(status: &Value) -> Vec<String> {
    rules(status, "block", "automatic")
}

/// The story's sources as the status shows them.
pub fn victims() -> Vec<String> {
    let mut names = VICTIMS.map(|victim| victim.to_string()).to_vec();
    names.sort();
    names
}

/// Waits until both of the story's sources are banned, and dropped as such.
pub fn wait_for_bans(synguard: &Synguard, controller: &Controller) -> Result<Value> {
    for victim in VICTIMS {
        controller.wait_for(&format!("promoted {victim}"))?;
    }
    let status = wait_for_status(synguard, "drops by ban", |status| {
        Ok(number(status, "/dropped/banned")? > 0)
    })?;
    ensure!(bans(&status) == victims(), "other bans: {status:#}");
    Ok(status)
}

/// A flood of the story's that goes on until both of its sources are banned, however long
/// a busy host takes.
pub fn flood_until_banned(lab: &Lab, controller: &Controller) -> Result<Value> {
    let flood = Sender::start(&lab.topology, &seed_plan(2_000, 400_000))?;
    let status = wait_for_bans(&lab.synguard, controller)?;
    flood.stop()?;
    Ok(status)
}

/// Sends until so many segments have come through, and gives the number sent: a busy host
/// loses some behind the filter.
pub fn send_until_through(lab: &Lab, plan: &Plan, through: &Capture, enough: u64) -> Result<u64> {
    let sender = Sender::start(&lab.topology, plan)?;
    wait::until_true("segments to come through", wait::GENEROUS, || {
        through.count() >= enough
    })?;
    sender.stop()
}

/// A flood of exact seed packets from these sources.
pub fn plan(sources: &[IpAddr], per_second: u32, packets: u64) -> Plan {
    let v6 = sources.iter().any(IpAddr::is_ipv6);
    Plan {
        sources: sources.to_vec(),
        destination: if v6 {
            CONTAINER6.into()
        } else {
            CONTAINER.into()
        },
        dress: Dress::PLAIN,
        per_second,
        packets,
    }
}

/// The same from both of the story's sources.
pub fn seed_plan(per_second: u32, packets: u64) -> Plan {
    plan(&VICTIMS.map(IpAddr::from), per_second, packets)
}

/// True when the client with this number gets a page, however long it takes.
pub fn is_served(topology: &Topology, client: usize) -> Result<bool> {
    Ok(clients::ask(topology, client, Request::Http, clients::PATIENT)?.success)
}

/// True when the client with this number gets no page in three seconds.
pub fn is_turned_away(topology: &Topology, client: usize) -> Result<bool> {
    Ok(!clients::ask(topology, client, Request::Http, clients::IMPATIENT)?.success)
}

/// In a flood of the story's sources, their SYNs arrive: more than any rate lets through.
pub fn everything_passes(lab: &Lab) -> Result<()> {
    let through = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    wait::until_true("the flood in the container", wait::GENEROUS, || {
        through.count() > 2_000
    })
}

/// In a flood of the story's sources, they are banned, and not a SYN of theirs arrives.
pub fn nothing_passes(lab: &Lab) -> Result<()> {
    let before = wait_for_status(
        &lab.synguard,
        "bans",
        |status| Ok(bans(status) == victims()),
    )?;
    let through = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    wait_for_more_drops(&lab.synguard, &before, 1_000)?;
    let through = through.finish()?;
    ensure!(through == 0, "{through} SYNs came through");
    Ok(())
}

/// Nothing of synguard is on the uplink, and nothing is pinned for it.
pub fn ensure_untouched(lab: &Lab) -> Result<()> {
    let pins = lab.synguard.pins()?;
    ensure!(pins.is_empty(), "pins are left: {pins:?}");
    wait_for_no_program(lab, &lab.topology.uplink)
}

/// The kernel takes a program off a moment after its link's pin is removed.
pub fn wait_for_no_program(lab: &Lab, interface: &str) -> Result<()> {
    wait::until_true("no program on the interface", wait::GENEROUS, || {
        attached_id(&lab.topology.host, interface).is_ok_and(|id| id.is_none())
    })
}
