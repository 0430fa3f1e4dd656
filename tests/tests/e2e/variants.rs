//! Floods that differ from the story's in their headers: counted to the packet
//! and dropped all the same, in native and in generic mode.

use anyhow::{Context, Result, ensure};
use synguard_tests::address::{CLIENTS, CONTAINER6, VICTIM6, VICTIMS, client6};
use synguard_tests::capture::Capture;
use synguard_tests::clients;
use synguard_tests::flood::{self, Flood};
use synguard_tests::lab::Lab;
use synguard_tests::seed_packet::Dress;
use synguard_tests::sender::{Plan, Sender};
use synguard_tests::tally::Request;
use synguard_tests::topology::CONTAINER_END;

use crate::support::{number, plan, wait_for_status};

const PACKETS: u64 = 2_000;
/// Far more than the default rate lets through, were there any delay.
const LET_THROUGH: u64 = 200;

#[test]
fn ipv6() -> Result<()> {
    is_counted_and_dropped(
        &plan(&[VICTIM6.into()], 1_000, PACKETS),
        "2001:db8:bad::/64",
    )
}

#[test]
fn ipv6_clients_are_served_meanwhile() -> Result<()> {
    let lab = Lab::new()?;
    let controller = lab.synguard.attach(&[])?;
    let flood = Sender::start(&lab.topology, &plan(&[VICTIM6.into()], 1_000, 60_000))?;
    controller.wait_for("promoted 2001:db8:bad::/64 ")?;
    let url = format!("http://[{CONTAINER6}]/");
    for number in 0..usize::from(CLIENTS) {
        let from = client6(number).into();
        let answer = clients::fetch(
            &lab.topology.internet,
            from,
            Request::Http,
            &url,
            clients::PATIENT,
        )?;
        ensure!(answer.success, "{from} is not served: {}", answer.detail);
    }
    flood.stop()?;
    Ok(())
}

#[test]
fn one_vlan_tag() -> Result<()> {
    let vlans = [Some(7), None];
    is_counted_and_dropped(&dressed(Dress { vlans, ecn: false }), VICTIM)
}

#[test]
fn two_vlan_tags() -> Result<()> {
    let vlans = [Some(7), Some(100)];
    is_counted_and_dropped(&dressed(Dress { vlans, ecn: false }), VICTIM)
}

#[test]
fn ece_and_cwr() -> Result<()> {
    let vlans = [None, None];
    is_counted_and_dropped(&dressed(Dress { vlans, ecn: true }), VICTIM)
}

#[test]
fn hping3_with_ece_and_cwr() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    let flags = &["--xmas", "--ymas"];
    let plan = flood::Plan {
        sources: VICTIMS.into(),
        per_second: 1_000,
        packets: 1_200,
        flags,
    };
    Flood::start(&lab.topology, &plan)?.finish()?;
    let status = wait_for_status(&lab.synguard, "every SYN", |status| {
        Ok(number(status, "/syns")? == 1_200)
    })?;
    ensure!(
        number(&status, "/dropped/total")? >= 1_200 - 2 * LET_THROUGH,
        "{status:#}"
    );
    for victim in VICTIMS {
        controller.wait_for(&format!("promoted {victim}"))?;
    }
    Ok(())
}

const VICTIM: &str = "5.39.90.132";

fn dressed(dress: Dress) -> Plan {
    let [victim, _] = VICTIMS;
    Plan {
        dress,
        ..plan(&[victim.into()], 1_000, PACKETS)
    }
}

fn is_counted_and_dropped(plan: &Plan, banned: &str) -> Result<()> {
    for mode in ["native", "generic"] {
        in_mode(plan, banned, mode).with_context(|| format!("in {mode} mode"))?;
    }
    Ok(())
}

fn in_mode(plan: &Plan, banned: &str, mode: &str) -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&["--mode", mode])?;
    let through = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens()
    })?;
    let sent = Sender::start(&lab.topology, plan)?.finish()?;
    ensure!(sent == PACKETS, "sent only {sent}");
    controller.wait_for(&format!("promoted {banned} "))?;

    let status = wait_for_status(&lab.synguard, "every SYN", |status| {
        Ok(number(status, "/syns")? >= sent)
    })?;
    ensure!(
        number(&status, "/syns")? == sent,
        "more SYNs than sent: {status:#}"
    );
    ensure!(status["mode"] == mode, "{status:#}");
    let dropped = number(&status, "/dropped/total")?;
    ensure!(
        dropped >= sent - LET_THROUGH,
        "only {dropped} dropped: {status:#}"
    );
    // Behind a tag there is no interface here that would take it further.
    if plan.dress.vlans == [None, None] {
        let through = through.finish()?;
        // Less is no fault of the filter: a busy host loses what has passed it.
        ensure!(
            (1..=sent - dropped).contains(&through),
            "{through} came through, {dropped} dropped"
        );
    }
    Ok(())
}
