//! Everything but the packet path: the real binary, run as its owner runs it.

mod import;
mod load;
mod promotion;
mod sources;

use std::time::Instant;

use anyhow::{Result, ensure};
use synguard_tests::synguard::Synguard;

use crate::names::{self, subject as who};
use crate::report::Results;
use crate::stats::Summary;

/// What is measured takes seconds each time: a third of the others' rounds must
/// do.
const ROUNDS_DIVISOR: u16 = 3;

/// Measures all of it.
pub fn measure(rounds: u16, results: &mut Results) -> Result<()> {
    let few = rounds.div_ceil(ROUNDS_DIVISOR);
    eprintln!("==> Control plane: promotion");
    promotion::measure(rounds, results)?;
    eprintln!("==> Control plane: import");
    import::measure(few, results)?;
    eprintln!("==> Control plane: a million sources");
    sources::measure(few, results)?;
    eprintln!("==> Control plane: at rest");
    load::measure_rest(results)
}

/// Adds a row of samples.
fn add(results: &mut Results, scenario: &str, unit: &'static str, samples: &[f64]) {
    if let Some(summary) = Summary::of(samples) {
        results.add(names::CONTROL, who::SYNGUARD, scenario, unit, summary);
    }
}

/// Seconds that a command takes, which must succeed.
fn seconds(synguard: &Synguard, arguments: &[&str]) -> Result<f64> {
    let start = Instant::now();
    let outcome = synguard.run(arguments)?;
    let time = start.elapsed().as_secs_f64();
    ensure!(
        outcome.code == Some(0),
        "synguard {arguments:?}: {}",
        outcome.stderr
    );
    Ok(time)
}
