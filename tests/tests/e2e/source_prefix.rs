//! What one source is can be said: addresses that share a prefix then share one
//! record and one ban.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Result, ensure};
use serde_json::Value;
use synguard_tests::controller::Controller;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;

use crate::support::{bans, number, plan, wait_for_status};

/// Neighbours, each far below the default rate of 50/s, and all together above.
const NEIGHBOURS: u8 = 20;
const PER_SECOND: u32 = 150;
const PACKETS: u64 = 450;

fn neighbours4() -> Vec<IpAddr> {
    let addresses = (1..=NEIGHBOURS).map(|last| Ipv4Addr::new(100, 64, 5, last));
    addresses.map(IpAddr::from).collect()
}

/// Each in a /64 of its own, all in one /56.
fn neighbours6() -> Vec<IpAddr> {
    let subnet = |number: u8| Ipv6Addr::new(0x2001, 0xdb8, 5, number.into(), 0, 0, 0, 1);
    (1..=NEIGHBOURS).map(subnet).map(IpAddr::from).collect()
}

#[test]
fn neighbours_are_one_source_where_asked_for() -> Result<()> {
    for (sources, flag, bits, prefix) in [
        (neighbours4(), "--ipv4-prefix", "24", "100.64.5.0/24"),
        (neighbours6(), "--ipv6-prefix", "56", "2001:db8:5::/56"),
    ] {
        let (lab, controller, _) = flooded(&sources, &[flag, bits])?;
        controller.wait_for(&format!("promoted {prefix} "))?;
        let status = wait_for_status(&lab.synguard, "the ban", |status| {
            Ok(bans(status) == [prefix])
        })?;
        ensure!(number(&status, "/sources_tracked")? == 1, "{status:#}");
    }
    Ok(())
}

#[test]
fn by_default_neighbours_are_sources_of_their_own() -> Result<()> {
    for sources in [neighbours4(), neighbours6()] {
        let (_lab, controller, status) = flooded(&sources, &[])?;
        ensure!(bans(&status).is_empty(), "{status:#}");
        let tracked = number(&status, "/sources_tracked")?;
        ensure!(tracked == u64::from(NEIGHBOURS), "{status:#}");
        let log = controller.text();
        ensure!(!log.contains("promoted"), "{log}");
    }
    Ok(())
}

/// The status after all of them have sent their share.
fn flooded(sources: &[IpAddr], arguments: &[&str]) -> Result<(Lab, Controller, Value)> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(arguments)?;
    let flood = plan(sources, PER_SECOND, PACKETS);
    let sent = Sender::start(&lab.topology, &flood)?.finish()?;
    let status = wait_for_status(&lab.synguard, "every SYN", |status| {
        Ok(number(status, "/syns")? >= sent)
    })?;
    Ok((lab, controller, status))
}
