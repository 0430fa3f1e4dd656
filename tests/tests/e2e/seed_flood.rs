//! The story: before, SYN-ACKs multiply; after `attach` they stop, and nobody
//! legitimate notices anything.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use synguard_tests::address::{VICTIMS, is_client, is_victim};
use synguard_tests::capture::{Capture, Segment};
use synguard_tests::clients;
use synguard_tests::controller::Controller;
use synguard_tests::flood::{Flood, Plan};
use synguard_tests::greeter::Greeter;
use synguard_tests::lab::Lab;
use synguard_tests::seed_packet::SOURCE_PORT;
use synguard_tests::sender::Sender;
use synguard_tests::topology::{CONTAINER_END, PROVIDER_END, Topology};
use synguard_tests::wait;

use crate::support::{ensure_untouched, seed_plan, wait_for_bans, wait_for_more_drops};

/// Half-open connections that the flood can have: two sources, three ports.
const HALF_OPEN: u64 = 6;
/// What Linux sends again for each (`tcp_synack_retries`).
const RETRANSMISSIONS: u64 = 5;

#[test]
fn the_seeds_flood_is_stopped() -> Result<()> {
    let lab = Lab::new()?;
    let topology = &lab.topology;
    a_few_syns_are_multiplied(topology)?;
    let mut flood = every_copy_is_answered(topology)?;

    let controller = lab.synguard.attach(&[])?;
    let status = wait_for_bans(&lab.synguard, &controller)?;
    promotions_say_why(&controller)?;

    let answers = answers_to_victims(topology)?;
    let status = wait_for_more_drops(&lab.synguard, &status, 1_000)?;
    every_legitimate_request_succeeds(topology)?;
    outbound_connections_to_a_banned_address_work(topology)?;
    ensure!(
        flood.is_running(),
        "the flood ended too early to show anything"
    );
    wait_for_more_drops(&lab.synguard, &status, 1_000)?;
    // Only what was half open before may still be sent again.
    let answers = answers.finish()?;
    ensure!(
        answers <= HALF_OPEN * RETRANSMISSIONS,
        "{answers} SYN-ACKs still went out"
    );

    flood.stop();
    let (ended, log) = controller.terminate()?;
    ensure!(ended.success(), "{ended}:\n{log}");
    ensure_untouched(&lab)
}

/// Nobody follows up, so Linux sends each answer again and again.
fn a_few_syns_are_multiplied(topology: &Topology) -> Result<()> {
    let answers = answers_to_victims(topology)?;
    let syns = Sender::start(topology, &seed_plan(1_000, HALF_OPEN))?.finish()?;
    wait::until_true("three SYN-ACKs for each SYN", wait::GENEROUS, || {
        answers.count() >= 3 * syns
    })
}

/// As the story's kernels did; since Linux 4.0 a copy of a half-open SYN is
/// answered at most twice a second, unless told otherwise.
fn every_copy_is_answered(topology: &Topology) -> Result<Flood> {
    topology
        .container
        .sysctl("ipv4/tcp_invalid_ratelimit", "0")?;
    let syns = Capture::start(&topology.internet, PROVIDER_END, |segment| {
        segment.opens() && is_victim(segment.source)
    })?;
    let answers = answers_to_victims(topology)?;
    let flood = Flood::start(topology, &Plan::seed(1_500, 450_000))?;
    wait::until_true("a flood of SYN-ACKs", wait::GENEROUS, || {
        answers.count() >= 1_500
    })?;
    let (syns, answers) = (syns.finish()?, answers.finish()?);
    ensure!(
        answers * 10 >= syns * 9,
        "{answers} SYN-ACKs for {syns} SYNs"
    );
    Ok(flood)
}

fn answers_to_victims(topology: &Topology) -> Result<Capture> {
    Capture::start(&topology.internet, PROVIDER_END, |segment| {
        segment.answers() && is_victim(segment.destination)
    })
}

/// The numbers that caused each.
fn promotions_say_why(controller: &Controller) -> Result<()> {
    for victim in VICTIMS {
        let line = controller.wait_for(&format!("promoted {victim}"))?;
        line.written()?;
        for part in ["25", "80", "443", "0 handshakes", "source port 80"] {
            ensure!(line.text.contains(part), "no {part:?} in: {}", line.text);
        }
    }
    Ok(())
}

/// By synguard's own account: from the first packet over the rate to the ban.
/// The flood begins when the filter is in place, because on a starved machine
/// the kernel alone can take seconds to put it there.
#[test]
fn promotion_takes_less_than_a_second() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    let flood = Flood::start(&lab.topology, &Plan::seed(1_500, 60_000))?;
    for victim in VICTIMS {
        let line = controller.wait_for(&format!("promoted {victim}"))?;
        let latency = latency(&line.text).with_context(|| format!("no latency: {}", line.text))?;
        ensure!(latency < Duration::from_secs(1), "too late: {}", line.text);
    }
    flood.stop();
    Ok(())
}

/// From `… (within 12ms of going over its rate)`: the time in the last brackets.
fn latency(line: &str) -> Option<Duration> {
    let (_, words) = line.rsplit_once('(')?;
    let is_time = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    let time: Vec<_> = words.split_whitespace().filter(is_time).collect();
    humantime::parse_duration(&time.join(" ")).ok()
}

/// And at once: not a single SYN of a client is lost on its way.
fn every_legitimate_request_succeeds(topology: &Topology) -> Result<()> {
    let of_client = |segment: &Segment| segment.opens() && is_client(segment.source);
    let sent = Capture::start(&topology.internet, PROVIDER_END, of_client)?;
    let arrived = Capture::start(&topology.container, CONTAINER_END, of_client)?;
    let tally = clients::run(topology, 100, 4, clients::PATIENT)?;
    ensure!(
        tally.successes() == 100,
        "not served:\n{}",
        tally.failures()
    );
    let (sent, arrived) = (sent.finish()?, arrived.finish()?);
    ensure!(
        sent >= 100 && arrived == sent,
        "of {sent} SYNs {arrived} arrived"
    );
    Ok(())
}

/// The attacker only borrowed the address: the host may need the machine that
/// has it. To the very port that the flood pretends to come from.
fn outbound_connections_to_a_banned_address_work(topology: &Topology) -> Result<()> {
    let [victim, _] = VICTIMS;
    topology.wake_victims(&[victim])?;
    let greeter = Greeter::start(&topology.internet, victim, SOURCE_PORT)?;
    greeter.visit(&topology.host)?;
    greeter.visit(&topology.container)
}

#[test]
fn latencies_are_read_from_the_log() {
    let line = "promoted 192.0.2.1 for 10m: 51 SYNs in the window (51/s), 0 handshakes \
                (within 1s 12ms of going over its rate)";
    assert_eq!(latency(line), Some(Duration::from_millis(1_012)));
}
