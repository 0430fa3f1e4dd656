//! `cargo xtask bench`: SynGuard side by side with its peers.
//!
//! All traffic stays between network namespaces that the lab of the tests makes
//! and that end with this process.

mod cli;
mod control;
mod cores;
mod flood;
mod frames;
mod kernel;
mod lists;
mod machine;
mod names;
mod packet;
mod peers;
mod replay;
mod report;
mod rounds;
mod stats;
mod table;
mod targets;
mod wire;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser as _;
use synguard_tests::{interrupt, leftovers};

use cli::{Cli, Part};
use machine::Machine;
use report::{Report, Results, SCHEMA_VERSION};

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: a target was missed; the table says which");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints, and says whether all targets were met.
fn run(cli: &Cli) -> Result<bool> {
    interrupt::listen()?;
    leftovers::sweep()?;
    let machine = Machine::here();
    let parts = cli.chosen();
    let mut results = Results::default();
    for part in &parts {
        let done = measure(*part, cli.rounds, &mut results);
        ensure!(!interrupt::requested(), "interrupted; all is cleaned up");
        if let Err(error) = done {
            // The other parts are worth as much as before.
            results.lacks(format!("all or the rest of {part:?}: {error:#}"));
        }
    }
    let targets = targets::judge(&parts, &results);
    let met = targets.iter().all(|target| target.met);
    let report = Report {
        schema_version: SCHEMA_VERSION,
        machine,
        parts,
        rows: results.rows,
        targets,
        missing: results.missing,
    };
    print!("{}", table::markdown(&report));
    if let Some(file) = &cli.json {
        let json = serde_json::to_string_pretty(&report)?;
        fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(met)
}

fn measure(part: Part, rounds: u16, results: &mut Results) -> Result<()> {
    match part {
        Part::Packet => cores::on_first(|| packet::measure(rounds, results))?,
        Part::Wire => wire::speed::measure(rounds, results),
        Part::Answers => wire::answering::measure(rounds, results),
        Part::Clients => wire::serving::measure(rounds, results),
        Part::Control => control::measure(rounds, results),
        Part::Replay => cores::on_first(|| replay::measure(rounds, results))?,
    }
}
