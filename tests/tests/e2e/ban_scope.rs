//! What a ban drops: new inbound connections, or everything. That answers to
//! connections which this host opens arrive by default is in the story's case.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use synguard_tests::address::{CONTAINER, VICTIMS};
use synguard_tests::controller::Controller;
use synguard_tests::greeter::Greeter;
use synguard_tests::lab::Lab;
use synguard_tests::ping;
use synguard_tests::topology::Topology;
use synguard_tests::wait;
use synguard_tests::wrk::come_from;

use crate::support::{flood_until_banned, number, wait_for_status};

const PINGS: u16 = 3;
const PATIENCE: Duration = Duration::from_secs(1);
const PORT: u16 = 5_353;

#[test]
fn by_default_a_ban_leaves_all_but_new_connections() -> Result<()> {
    let (lab, _controller, status) = banned(&[])?;
    ensure_scope(&status, "syn")?;
    wait_for_an_answer(&lab.topology)?;
    wait_for_a_datagram(&lab.topology)?;
    let status = lab.synguard.status()?;
    ensure!(
        number(&status, "/dropped/blocked_all_traffic")? == 0,
        "{status:#}"
    );
    Ok(())
}

#[test]
fn where_asked_for_a_ban_drops_everything() -> Result<()> {
    let (lab, _controller, status) = banned(&["--ban-scope", "all"])?;
    ensure_scope(&status, "all")?;
    let [victim, _] = VICTIMS;
    let topology = &lab.topology;

    let pings = ping::run(&topology.internet, CONTAINER.into(), PINGS, PATIENCE)?;
    ensure!(pings.times.is_empty(), "answered: {pings:?}");
    let before = wait_for_drops(&lab, u64::from(PINGS))?;
    send_datagram(topology, victim)?;
    wait_for_drops(&lab, before + 1)?;
    let greeter = Greeter::start(&topology.internet, victim, 80)?;
    ensure!(
        greeter.visit(&topology.host).is_err(),
        "an answer got through"
    );

    lab.synguard.succeed(&["unblock", &victim.to_string()])?;
    greeter.visit(&topology.host)?;
    wait_for_an_answer(topology)?;
    wait_for_a_datagram(topology)
}

/// A lab with both of the story's sources banned and silent again. From here on
/// `internet` pings as the first of them, which is a real machine.
fn banned(arguments: &[&str]) -> Result<(Lab, Controller, Value)> {
    let [victim, _] = VICTIMS;
    let lab = Lab::without_services()?;
    lab.topology.wake_victims(&[victim])?;
    come_from(&lab.topology, victim)?;
    wait_for_an_answer(&lab.topology)?;
    wait_for_a_datagram(&lab.topology)?;
    let controller = lab.synguard.attach(arguments)?;
    let status = flood_until_banned(&lab, &controller)?;
    Ok((lab, controller, status))
}

fn ensure_scope(status: &Value, scope: &str) -> Result<()> {
    let rules = status["rules"].as_array().map(Vec::as_slice);
    let mut bans = rules.unwrap_or_default().iter();
    let all = bans.all(|rule| rule["origin"] != "automatic" || rule["scope"] == scope);
    ensure!(all, "not of the scope {scope}: {status:#}");
    Ok(())
}

/// Packets that are no SYNs, dropped so far.
fn wait_for_drops(lab: &Lab, count: u64) -> Result<u64> {
    let pointer = "/dropped/blocked_all_traffic";
    let status = wait_for_status(&lab.synguard, pointer, |status| {
        Ok(number(status, pointer)? >= count)
    })?;
    number(&status, pointer)
}

fn wait_for_an_answer(topology: &Topology) -> Result<()> {
    wait::until_true("an answer to a ping", wait::GENEROUS, || {
        ping::run(&topology.internet, CONTAINER.into(), 1, PATIENCE)
            .is_ok_and(|pings| !pings.times.is_empty())
    })
}

fn wait_for_a_datagram(topology: &Topology) -> Result<()> {
    let [victim, _] = VICTIMS;
    let receiver = topology
        .container
        .inside(|| UdpSocket::bind(SocketAddrV4::new(CONTAINER, PORT)))??;
    receiver.set_read_timeout(Some(PATIENCE))?;
    wait::until_true("a datagram", wait::GENEROUS, || {
        send_datagram(topology, victim).is_ok() && receiver.recv(&mut [0; 16]).is_ok()
    })
}

fn send_datagram(topology: &Topology, from: Ipv4Addr) -> Result<()> {
    let sender = topology
        .internet
        .inside(|| UdpSocket::bind(SocketAddrV4::new(from, 0)))??;
    sender.send_to(b"hello", SocketAddrV4::new(CONTAINER, PORT))?;
    Ok(())
}
