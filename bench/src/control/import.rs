//! `synguard import` of long lists.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ipnet::IpNet;
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::Topology;

use super::{add, seconds};
use crate::lists;
use crate::names::scenario;
use crate::report::Results;

/// Room for either list.
const MAX_RULES: &str = "1100000";

pub fn measure(rounds: u16, results: &mut Results) -> Result<()> {
    let topology = Topology::new()?;
    let synguard = Synguard::new(&topology)?;
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let mut lists = [
        List::new(
            folder.path(),
            scenario::IMPORT_ADDRESSES,
            lists::addresses(1_000_000)?,
        )?,
        List::new(
            folder.path(),
            scenario::IMPORT_NETWORKS,
            lists::networks(100_000)?,
        )?,
    ];
    for _ in 0..rounds {
        // Each import meets empty maps, as the first one on a machine does.
        let controller = synguard.attach(&["--mode", "native", "--max-rules", MAX_RULES])?;
        for (number, list) in lists.iter_mut().enumerate() {
            let name = format!("list{number}");
            match seconds(&synguard, &["import", &list.file, "--list", &name]) {
                Ok(time) => list.samples.push(time),
                Err(error) => list.failure = Some(format!("{error:#}")),
            }
        }
        drop(controller.terminate()?);
    }
    for list in &lists {
        add(results, list.scenario, "s", &list.samples);
        if let Some(failure) = &list.failure {
            results.lacks(format!("{}: {failure}", list.scenario));
        }
    }
    Ok(())
}

struct List {
    scenario: &'static str,
    file: String,
    samples: Vec<f64>,
    failure: Option<String>,
}

impl List {
    fn new(folder: &Path, scenario: &'static str, nets: Vec<IpNet>) -> Result<Self> {
        let file = folder.join(scenario);
        let lines: Vec<_> = nets.iter().map(line).collect();
        fs::write(&file, lines.concat())?;
        Ok(Self {
            scenario,
            file: file.to_string_lossy().into_owned(),
            samples: Vec::new(),
            failure: None,
        })
    }
}

/// As in lists that people share: single addresses have no prefix length.
fn line(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        format!("{}\n", net.addr())
    } else {
        format!("{net}\n")
    }
}
