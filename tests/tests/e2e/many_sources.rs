//! A million spoofed sources, each seen once, push nobody out: no ban, no
//! offender that is still to be found, no client; and none of them is banned.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use synguard_tests::address::{self, CONTAINER, CONTAINER6, VICTIM6, VICTIMS};
use synguard_tests::controller::Controller;
use synguard_tests::crowd::Crowd;
use synguard_tests::knock::knock;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;

use crate::support::{bans, number, plan, source, wait_for_status};

const SPOOFED: u64 = 1_000_000;
/// When the second offender begins.
const MIDDLE: u64 = SPOOFED / 3;

/// An offender's SYNs per second, and how many at most: the case ends it.
const OFFENCE: u32 = 500;
const OFFENCE_PACKETS: u64 = 120_000;

/// The client that connects before and after the flood.
const IDLE: usize = 0;
/// The client that connects now and then while it goes on, too.
const REGULAR: usize = 1;
/// How often each connects before and after.
const VISITS: u64 = 20;

/// As fast as the machine can: two cores do about 100,000/s.
const FAST: u32 = 200_000;
/// So slow that every new source might still be given a record.
const SLOW: u32 = 40_000;

/// Another IPv6 offender, in a /48 of its own.
const OTHER6: &str = "2001:db8:bad1::1";

#[test]
fn a_million_spoofed_sources_push_nobody_out() -> Result<()> {
    push_nobody_out(CONTAINER.into(), FAST, VICTIMS.map(IpAddr::from))
}

#[test]
fn a_slow_million_of_ipv6_pushes_nobody_out() -> Result<()> {
    let offenders = [VICTIM6.into(), OTHER6.parse()?];
    push_nobody_out(CONTAINER6.into(), SLOW, offenders)
}

fn push_nobody_out(to: IpAddr, per_second: u32, [first, second]: [IpAddr; 2]) -> Result<()> {
    let mut scene = Scene::new()?;
    scene.visit(IDLE)?;
    scene.visit(REGULAR)?;
    scene.offend(first)?;
    let banned = scene.lab.synguard.status()?;
    let crowd = Crowd::start(&scene.lab.topology, to, per_second)?;
    scene.wait_for_spoofed(MIDDLE)?;
    scene.offend(second)?;
    let status = scene.wait_for_spoofed(SPOOFED)?;
    let sent = crowd.stop()?;
    ensure!(sent >= SPOOFED, "only {sent} sources");

    scene.only_banned(&status, &[first, second])?;
    let (before, after) = (ban(&banned, first)?, ban(&status, first)?);
    ensure!(
        number(before, "/hits")? < number(after, "/hits")?,
        "{after:#}"
    );
    scene.is_still_known(REGULAR)?;
    scene.is_still_known(IDLE)
}

/// A lab with offenders and clients.
struct Scene {
    lab: Lab,
    controller: Controller,
    offences: Vec<Sender>,
    hits: u64,
    /// How often each client connected.
    visits: [u64; 2],
}

impl Scene {
    fn new() -> Result<Self> {
        let lab = Lab::new()?;
        let controller = lab.synguard.attach(&[])?;
        Ok(Self {
            lab,
            controller,
            offences: Vec::new(),
            hits: 0,
            visits: [0; 2],
        })
    }

    /// A further source goes over its rate, and is found.
    fn offend(&mut self, offender: IpAddr) -> Result<()> {
        let plan = plan(&[offender], OFFENCE, OFFENCE_PACKETS);
        self.offences
            .push(Sender::start(&self.lab.topology, &plan)?);
        self.controller
            .wait_for(&format!("promoted {}", name(offender)))?;
        Ok(())
    }

    /// Waits until so many spoofed SYNs have arrived, all of them from other
    /// sources. Meanwhile the regular connects, and no ban loses its hits.
    fn wait_for_spoofed(&mut self, count: u64) -> Result<Value> {
        wait_for_status(&self.lab.synguard, "spoofed SYNs", |status| {
            self.visits[REGULAR] += knock(&self.lab.topology, REGULAR, 1)?;
            let rules = status["rules"].as_array().context("no rules")?;
            let bans = rules.iter().filter(|rule| rule["origin"] == "automatic");
            let hits = bans.map(|ban| number(ban, "/hits")).sum::<Result<u64>>()?;
            ensure!(hits >= self.hits, "after {} hits: {status:#}", self.hits);
            self.hits = hits;
            let offences = self.offences.iter().map(Sender::sent).sum::<u64>();
            let others = offences + self.visits.iter().sum::<u64>();
            Ok(number(status, "/syns")? >= count + others)
        })
    }

    /// Now, and at any time before; and each once.
    fn only_banned(&self, status: &Value, offenders: &[IpAddr]) -> Result<()> {
        let mut names: Vec<_> = offenders.iter().copied().map(name).collect();
        names.sort();
        ensure!(bans(status) == names, "{status:#}");
        let log = self.controller.text();
        let promotions = log.matches("promoted ").count();
        ensure!(promotions == offenders.len(), "{log}");
        ensure!(!log.contains("lifted"), "{log}");
        Ok(())
    }

    /// Not forgotten and learnt anew: its record has all that it ever sent. Its
    /// handshakes do not tell, as the kernel counts those of every network
    /// namespace, and other labs have clients with the same addresses.
    fn is_still_known(&mut self, client: usize) -> Result<()> {
        let record = self.visit(client)?;
        let visits = self.visits[client];
        let all = number(&record, "/syns")? >= visits;
        ensure!(all, "forgotten, after {visits} connections: {record:#}");
        Ok(())
    }

    /// Connects, and gives the client's record, which is then among the busiest.
    fn visit(&mut self, client: usize) -> Result<Value> {
        let lab = &self.lab;
        self.visits[client] += knock(&lab.topology, client, VISITS)?;
        let name = address::client(client).to_string();
        let status = wait_for_status(&lab.synguard, "the client's record", |status| {
            let handshakes = |record| number(record, "/handshakes");
            let counted = source(status, &name).map_or(Ok(0), handshakes)?;
            Ok(counted >= VISITS)
        })?;
        source(&status, &name).cloned().context("no record")
    }
}

/// As the log and the status call a source.
fn name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64").replace(":0::", "::")
        }
    }
}

fn ban(status: &Value, address: IpAddr) -> Result<&Value> {
    let mut rules = status["rules"].as_array().context("no rules")?.iter();
    let ban = rules.find(|rule| rule["prefix"] == name(address));
    ban.with_context(|| format!("no ban of {address}: {status:#}"))
}
