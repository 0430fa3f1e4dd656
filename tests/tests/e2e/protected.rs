//! Whoever spoofs what the host depends on cannot make it cut itself off.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Result, ensure};
use synguard_tests::address::{BRIDGE, GATEWAY, GATEWAY6, HOST, HOST6, RESOLVER, client};
use synguard_tests::capture::Capture;
use synguard_tests::controller::Controller;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::topology::CONTAINER_END;

use crate::support::{bans, number, plan, send_until_through, wait_for_status};

const PER_ADDRESS: u64 = 600;

#[test]
fn what_the_host_depends_on_is_never_banned() -> Result<()> {
    let lab = Lab::without_services()?;
    let peer = client(0);
    let controller = attach_with_resolver_and_ssh(&lab, RESOLVER.into(), peer.into())?;
    let protected: [IpAddr; 7] = [
        HOST.into(),
        BRIDGE.into(),
        HOST6.into(),
        GATEWAY.into(),
        GATEWAY6.into(),
        RESOLVER.into(),
        peer.into(),
    ];
    for (count, address) in (1..).zip(protected) {
        controller.wait_for(&format!("protected {address} ("))?;
        let flood = plan(&[address], 3_000, PER_ADDRESS);
        Sender::start(&lab.topology, &flood)?.finish()?;
        wait_for_status(&lab.synguard, "every SYN", |status| {
            Ok(number(status, "/syns")? >= count * PER_ADDRESS)
        })?;
    }
    let status = lab.synguard.status()?;
    ensure!(number(&status, "/dropped/banned")? == 0, "{status:#}");
    let banned = bans(&status);
    for address in protected {
        ensure!(!banned.contains(&address.to_string()), "{status:#}");
    }
    let refused = lab.synguard.run(&["block", &GATEWAY.to_string()])?;
    ensure!(refused.code == Some(7), "{refused:?}");
    let lifted = lab.synguard.succeed(&["disallow", &GATEWAY.to_string()])?;
    ensure!(lifted.stderr.contains("default gateway"), "{lifted:?}");
    let around = lab.synguard.succeed(&["block", "192.0.2.0/24"])?;
    for said in ["192.0.2.0/24 holds 192.0.2.", "stays open"] {
        ensure!(around.stderr.contains(said), "{around:?}");
    }
    controller.terminate()?;
    Ok(())
}

/// An IPv6 source is its /64, and a gateway shares its /64 with others.
#[test]
fn a_flooding_neighbour_does_not_take_the_gateway_along() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    let neighbour: IpAddr = "2001:db8:1::bad".parse()?;
    Sender::start(&lab.topology, &plan(&[neighbour], 1_000, PER_ADDRESS))?.finish()?;
    let before = wait_for_status(&lab.synguard, "every SYN", |status| {
        Ok(number(status, "/syns")? >= PER_ADDRESS)
    })?;
    Sender::start(&lab.topology, &plan(&[GATEWAY6.into()], 1_000, PER_ADDRESS))?.finish()?;
    let after = wait_for_status(&lab.synguard, "every SYN", |status| {
        Ok(number(status, "/syns")? >= 2 * PER_ADDRESS)
    })?;
    let dropped = |status| number(status, "/dropped/banned");
    ensure!(
        dropped(&before)? == dropped(&after)?,
        "the gateway was dropped: {after:#}"
    );
    controller.terminate()?;
    Ok(())
}

/// Nor does the gateway, or whoever spoofs it, take its neighbours along.
#[test]
fn a_busy_gateway_does_not_get_its_neighbours_banned() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    // Long enough for the controller to look at every source.
    let busy = plan(&[GATEWAY6.into()], 600, 4_200);
    let sent = Sender::start(&lab.topology, &busy)?.finish()?;
    let before = wait_for_status(&lab.synguard, "the gateway's SYNs", |status| {
        Ok(number(status, "/syns")? >= sent)
    })?;
    let through = Capture::start(&lab.topology.container, CONTAINER_END, |segment| {
        segment.opens()
    })?;
    let neighbour: IpAddr = "2001:db8:1::60d".parse()?;
    let more = send_until_through(&lab, &plan(&[neighbour], 10, 600), &through, 6)?;
    let status = wait_for_status(&lab.synguard, "every SYN", |status| {
        Ok(number(status, "/syns")? >= sent + more)
    })?;
    ensure!(bans(&status).is_empty(), "{status:#}");
    ensure!(number(&status, "/dropped/banned")? == 0, "{status:#}");
    // What did not come through was lost by the host, and not dropped by the filter.
    let dropped = |status| number(status, "/dropped/total");
    ensure!(dropped(&before)? == dropped(&status)?, "{status:#}");
    controller.terminate()?;
    Ok(())
}

fn attach_with_resolver_and_ssh(lab: &Lab, resolver: IpAddr, peer: IpAddr) -> Result<Controller> {
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), format!("nameserver {resolver}\n"))?;
    lab.synguard
        .mounts
        .replace(Path::new("/etc/resolv.conf"), file.path())?;
    let mut command = lab.synguard.command();
    command.env("SSH_CONNECTION", format!("{peer} 50000 {HOST} 22"));
    command.args(["attach", &lab.synguard.uplink]);
    let controller = Controller::start(&mut command)?;
    controller.wait_for("attached to")?;
    Ok(controller)
}
