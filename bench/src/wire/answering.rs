//! How many SYNs one core answers with cookies, and what each costs it.
//!
//! The core also sends them. What it takes to send one and to drop it is measured
//! too, and taken off.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::answerer::{Kind, Lab};
use crate::flood::{self, From};
use crate::names::{self, scenario};
use crate::report::Results;
use crate::rounds::{self, Case};
use crate::stats::Summary;

const SAMPLE: Duration = Duration::from_millis(700);

/// The first one is the scale of the others' cost.
const KINDS: [Kind; 6] = [
    Kind::Drop,
    Kind::SendBack,
    Kind::Native,
    Kind::Generic,
    Kind::Kernel,
    Kind::Synproxy,
];

pub fn measure(rounds: u16, results: &mut Results) -> Result<()> {
    eprintln!("==> SYNs answered: setting up");
    let labs = set_up(results);
    let mut cases: Vec<_> = labs.iter().map(case).collect();
    eprintln!("==> SYNs answered: measuring");
    rounds::interleave(&mut cases, rounds)?;
    report(&cases, results);
    Ok(())
}

fn set_up(results: &mut Results) -> Vec<Lab> {
    let mut labs = Vec::new();
    for kind in KINDS {
        match Lab::new(kind) {
            Ok(lab) => labs.push(lab),
            Err(error) => results.lacks(format!("{error:#}")),
        }
    }
    labs
}

fn case(lab: &Lab) -> Case<'_> {
    Case::new(lab.kind.subject(), scenario::WITH_SENDER, move || {
        nanos(lab)
    })
}

/// Nanoseconds of the core for each SYN that came.
fn nanos(lab: &Lab) -> Result<f64> {
    let before = Counts::read(lab)?;
    let sent = lab.sender.for_time(From::Anyone, SAMPLE)?;
    let counts = Counts::read(lab)?.since(&before);
    // The time of lost frames would be charged to those that came through.
    ensure!(
        counts.syns * 10 > sent.frames * 9,
        "of {} frames only {} came through",
        sent.frames,
        counts.syns
    );
    let answers = counts.answers;
    ensure!(
        lab.kind == Kind::Drop || answers * 100 > counts.syns * 99,
        "of {} SYNs only {answers} were answered",
        counts.syns
    );
    ensure!(
        counts
            .own
            .is_none_or(|own| own.abs_diff(answers) * 100 < answers),
        "{answers} answers, but {:?} by its own account",
        counts.own
    );
    Ok(sent.busy.as_nanos() as f64 / counts.syns as f64)
}

struct Counts {
    syns: u64,
    answers: u64,
    own: Option<u64>,
}

impl Counts {
    fn read(lab: &Lab) -> Result<Self> {
        Ok(Self {
            syns: flood::received(&lab.topology)?,
            answers: flood::returned(&lab.topology)?,
            own: lab.answered()?,
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            syns: self.syns - before.syns,
            answers: self.answers - before.answers,
            own: self.own.zip(before.own).map(|(now, then)| now - then),
        }
    }
}

fn report(cases: &[Case<'_>], results: &mut Results) {
    rounds::failures(cases, results);
    let Some((scale, others)) = cases.split_first() else {
        return;
    };
    for case in others {
        let mut add = |table, scenario, unit, samples: &[f64]| {
            if let Some(summary) = Summary::of(samples) {
                results.add(table, &case.subject, scenario, unit, summary);
            }
        };
        let pairs = case.samples().iter().zip(scale.samples());
        let costs: Vec<_> = pairs.map(|(nanos, scale)| nanos - scale).collect();
        let (with, without) = (rates(case.samples()), rates(&costs));
        add(names::ANSWERS, scenario::WITH_SENDER, "SYNs/s", &with);
        add(names::ANSWERS, scenario::WITHOUT_SENDER, "SYNs/s", &without);
        add(names::ANSWER_COST, scenario::SPOOFED, "ns", &costs);
    }
}

fn rates(nanos: &[f64]) -> Vec<f64> {
    nanos.iter().map(|nanos| 1e9 / nanos).collect()
}
