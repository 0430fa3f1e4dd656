//! Nanoseconds per packet, without a network: BPF_PROG_TEST_RUN.
//!
//! Each case first shows that it decides as it should, so that a wrong set-up
//! cannot produce a nice number.

mod challenge;
mod filter;
mod flood;
mod subject;

use std::net::IpAddr;

use anyhow::{Context, Result};

use crate::frames::{self, Segment};
use crate::kernel::{Action, Programs};
use crate::lists::{BLOCKED, BLOCKED6, CLIENT, UNLUCKY};
use crate::names::{self, scenario, subject as who};
use crate::peers::XdpFilter;
use crate::report::Results;
use crate::rounds::{self, Case};
use challenge::Challenging;
use filter::{Filter, Load};
use subject::Subject;
use synguard_tests::address::{CONTAINER, CONTAINER6};
use synguard_tests::topology::Topology;

/// Where all packets go.
const PORT: u16 = 443;

/// Measures all programs, `rounds` times.
pub fn measure(rounds: u16, results: &mut Results) -> Result<()> {
    eprintln!("==> Per packet: filling lists");
    let mut programs = Programs::load(0)?;
    programs.block(BLOCKED)?;
    let filters = filter::all()?;
    let topology = Topology::new()?;
    let xdp_filter = XdpFilter::load(&topology, &[BLOCKED.into(), BLOCKED6.into()])
        .inspect_err(|error| results.lacks(format!("xdp-filter: {error:#}")))
        .ok();

    let challenging = Challenging::new(&topology)?;
    programs.set_question(&challenging.syn)?;

    let mut cases = bare(&programs)?;
    if let Some(xdp_filter) = &xdp_filter {
        cases.extend(of_xdp_filter(xdp_filter)?);
    }
    for filter in &filters {
        cases.extend(of_filter(filter)?);
    }
    cases.extend(flood::cases(&programs, &filters)?);
    cases.push(challenging.case(&programs));

    eprintln!("==> Per packet: measuring");
    rounds::interleave(&mut cases, rounds)?;
    flood::check(&programs)?;
    rounds::report(&cases, names::PACKET, "ns", results);
    Ok(())
}

/// The programs that set the scale.
fn bare(programs: &Programs) -> Result<Vec<Case<'_>>> {
    let blocked = frame(Segment::Syn, BLOCKED.into())?;
    let case = |name, subject: &str, action| -> Result<Case<'_>> {
        let subject_ = Subject::new(programs.fd(name)?, blocked.clone(), action)?;
        Ok(subject_.case(subject, scenario::BLOCKED))
    };
    Ok(vec![
        case("drop_all", who::DROP, Action::Drop)?,
        case("hash_drop", who::HASH, Action::Drop)?,
    ])
}

fn of_xdp_filter(peer: &XdpFilter) -> Result<Vec<Case<'_>>> {
    situations()?
        .into_iter()
        .filter(|situation| situation.plain)
        .map(|situation| {
            let subject = Subject::new(peer.program(), situation.frame, situation.action)
                .with_context(|| format!("{}, {}", who::XDP_FILTER, situation.scenario))?;
            Ok(subject.case(who::XDP_FILTER, situation.scenario))
        })
        .collect()
}

fn of_filter(filter: &Filter) -> Result<Vec<Case<'_>>> {
    let wanted = |situation: &Situation| match filter.load() {
        // Nobody is blocked, or near somebody who is.
        Load::Nothing | Load::Able => situation.plain && situation.action == Action::Pass,
        Load::OneRule => situation.plain,
        Load::Networks | Load::Addresses | Load::Both => true,
    };
    situations()?
        .into_iter()
        .filter(wanted)
        .map(|situation| {
            let name = filter.load().subject();
            let subject = Subject::new(filter.program()?, situation.frame, situation.action)
                .with_context(|| format!("{name}, {}", situation.scenario))?;
            Ok(subject.case(name, situation.scenario))
        })
        .collect()
}

/// A packet and what is to become of it.
struct Situation {
    scenario: &'static str,
    frame: Vec<u8>,
    action: Action,
    /// It means something to a program that knows one blocked source.
    plain: bool,
}

fn situations() -> Result<Vec<Situation>> {
    let situation = |scenario, segment, from: IpAddr, action, plain| {
        Ok(Situation {
            scenario,
            frame: frame(segment, from)?,
            action,
            plain,
        })
    };
    let (drop, pass) = (Action::Drop, Action::Pass);
    [
        situation(scenario::BLOCKED, Segment::Syn, BLOCKED.into(), drop, true),
        situation(
            scenario::BLOCKED6,
            Segment::Syn,
            BLOCKED6.into(),
            drop,
            true,
        ),
        situation(scenario::KNOWN, Segment::Syn, CLIENT.into(), pass, true),
        situation(scenario::OPEN, Segment::Ack, CLIENT.into(), pass, true),
        situation(scenario::UNLUCKY, Segment::Ack, UNLUCKY.into(), pass, false),
        situation(scenario::UDP, Segment::Udp, CLIENT.into(), pass, true),
    ]
    .into_iter()
    .collect()
}

fn frame(segment: Segment, from: IpAddr) -> Result<Vec<u8>> {
    let to = if from.is_ipv4() {
        CONTAINER.into()
    } else {
        CONTAINER6.into()
    };
    frames::build(segment, from, to, PORT)
}
