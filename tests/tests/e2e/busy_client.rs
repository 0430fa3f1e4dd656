//! A client that opens far more connections than the rate allows, and completes
//! them, is never banned; a flooder as fast as it is.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::address::{CONTAINER, CONTAINER6, VICTIMS, client};
use synguard_tests::controller::Controller;
use synguard_tests::far_client::{FAR, FarClient};
use synguard_tests::lab::Lab;
use synguard_tests::namespace::Namespace;
use synguard_tests::sender::Sender;
use synguard_tests::wrk::{Report, Wrk, come_from};

use crate::support::{bans, number, plan, source, wait_for_status};

/// What the client is measured by: ten thousand connections are 200 seconds'
/// worth of the default rate of 50/s. How long they take is the machine's
/// business: it takes five seconds at the 2,000/s that the case is about (two
/// cores do 10,000/s and more).
const CONNECTIONS: u64 = 10_000;
/// How fast the client must be at some moment, so that the case shows
/// something: ten times the rate, to leave room for a starved machine.
const FAST: u64 = 500;
/// The flooder's SYNs per second.
const FLOOD: u32 = 2_000;
/// Two minutes of it at most; the case ends it before.
const FLOOD_PACKETS: u64 = 240_000;

/// Twice as many connections at a time as the default rate has in a second.
const AT_ONCE: u16 = 100;

#[test]
fn a_busy_client_is_served_and_a_flooder_is_banned() -> Result<()> {
    let lab = Lab::new()?;
    come_from(&lab.topology, client(0))?;
    let (status, report) = is_served(
        &lab,
        &lab.topology.internet,
        &client(0).to_string(),
        CONTAINER.into(),
        AT_ONCE,
    )?;
    // Its packets take no time here, so not even its start is slowed down,
    // but for moments in which the machine is.
    let record = source(&status, &client(0).to_string()).context("no record")?;
    ensure!(
        number(record, "/dropped")? <= CONNECTIONS / 100,
        "{status:#}"
    );
    // The last ones may not have been answered when it was stopped.
    ensure!(
        report.requests + u64::from(AT_ONCE) >= CONNECTIONS,
        "{}",
        report.text
    );
    Ok(())
}

/// With a round trip in between, all the connections that the client opens at
/// its start are without an answer at the same time, as are a flooder's.
#[test]
fn a_busy_client_far_away_is_served_and_a_flooder_is_banned() -> Result<()> {
    let six = "2001:db8:fa::/64";
    for (round_trip, at_once, client, server) in [
        (20, AT_ONCE, FAR.to_string(), IpAddr::from(CONTAINER)),
        (100, 4 * AT_ONCE, FAR.to_string(), CONTAINER.into()),
        (20, AT_ONCE, six.to_owned(), CONTAINER6.into()),
    ] {
        let lab = Lab::new()?;
        let far = FarClient::new(&lab.topology, Duration::from_millis(round_trip))?;
        is_served(&lab, &far.namespace, &client, server, at_once).with_context(|| {
            format!("{client}, {at_once} connections at a time, {round_trip} ms there and back")
        })?;
    }
    Ok(())
}

/// The client, as the status calls it, at work and a flood besides it, until the client has had its
/// connections: gives the status at that time, and the client's report.
fn is_served(
    lab: &Lab,
    from: &Namespace,
    client: &str,
    server: IpAddr,
    at_once: u16,
) -> Result<(Value, Report)> {
    let controller = lab.synguard.attach(&[])?;
    let [flooder, _] = VICTIMS;
    let wrk = Wrk::start(from, server, at_once)?;
    let flood = Sender::start(
        &lab.topology,
        &plan(&[flooder.into()], FLOOD, FLOOD_PACKETS),
    )?;
    controller.wait_for(&format!("promoted {flooder} "))?;
    let (mut fastest, mut busy) = (0, false);
    let status = wait_for_status(&lab.synguard, "the client's connections", |status| {
        let Some(record) = source(status, client) else {
            return Ok(false);
        };
        fastest = fastest.max(number(record, "/syns_per_second")?);
        ensure_only_banned(status, &controller, flooder)?;
        // Handshakes of other labs' clients with this address count as well.
        busy |= record["busy_client"] == true;
        let completed = number(record, "/handshakes")?.min(number(record, "/syns")?);
        Ok(completed >= CONNECTIONS)
    })?;
    let report = wrk.stop()?;
    flood.stop()?;
    ensure_only_banned(&status, &controller, flooder)?;
    ensure!(report.is_flawless(), "{}", report.text);
    ensure!(busy, "never shown as a busy client: {status:#}");
    ensure!(fastest >= FAST, "too slow to show anything: {fastest}/s");
    Ok((status, report))
}

/// Now, and at any time before.
fn ensure_only_banned(status: &Value, controller: &Controller, flooder: Ipv4Addr) -> Result<()> {
    let log = controller.text();
    let promoted = log.lines().filter(|line| line.contains("promoted"));
    let others: Vec<_> = promoted
        .filter(|line| !line.contains(&format!("promoted {flooder} ")))
        .collect();
    ensure!(others.is_empty(), "banned: {}", others.join("\n"));
    ensure!(bans(status) == [flooder.to_string()], "{status:#}");
    Ok(())
}
