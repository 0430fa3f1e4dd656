//! `synguard replay`, beside what else reads captures: packets per second on one core.

mod captures;

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Result, ensure};
use synguard_tests::program;
use synguard_tests::synguard::binary;

use crate::names::{self, subject as who};
use crate::report::Results;
use crate::rounds::{self, Case};

use captures::{Capture, PACKETS};

/// tcpdump takes half a minute for a million names that it has not met before: a third
/// of the others' rounds must do.
const ROUNDS_DIVISOR: u16 = 3;

/// Measures all readers on all captures, in turn.
pub fn measure(rounds: u16, results: &mut Results) -> Result<()> {
    eprintln!("==> Replay: {PACKETS} packets a capture");
    let folder = tempfile::tempdir()?;
    let synguard = binary()?.to_string_lossy().into_owned();
    let mut cases = Vec::new();
    for capture in [
        Capture::blocked(folder.path())?,
        Capture::spoofed(folder.path())?,
        Capture::open(folder.path())?,
    ] {
        let readers = [
            (who::SYNGUARD, vec![synguard.as_str(), "replay", "--json"]),
            (who::TCPDUMP, vec!["tcpdump", "-n", "-r"]),
            (who::CAPINFOS, vec!["capinfos", "-M"]),
        ];
        for (subject, mut words) in readers {
            words.push(&capture.file);
            if subject == who::TCPDUMP {
                words.push("tcp[tcpflags] == tcp-syn");
            }
            let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
            let case = move || Ok(PACKETS as f64 / seconds(&words)? / 1e6);
            cases.push(Case::new(subject, capture.scenario, case));
        }
    }
    rounds::interleave(&mut cases, rounds.div_ceil(ROUNDS_DIVISOR))?;
    rounds::report(&cases, names::REPLAY, "M packets/s", results);
    Ok(())
}

/// How long a command takes that writes what it finds to nowhere.
fn seconds(words: &[String]) -> Result<f64> {
    let (program, arguments) = words.split_first().map_or(("", &[][..]), |(p, a)| (p, a));
    let mut command = program::command(program);
    command.args(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let time = start.elapsed().as_secs_f64();
    ensure!(status.success(), "{words:?}: {status}");
    Ok(time)
}
