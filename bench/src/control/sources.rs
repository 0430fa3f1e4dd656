//! A flood of a million sources: the controller meanwhile, and `status` after.

use anyhow::{Result, ensure};
use synguard_tests::address::{CONTAINER, hardware};
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::Topology;

use super::load::Usage;
use super::{add, seconds};
use crate::flood::{From, Sender};
use crate::frames;
use crate::names::scenario;
use crate::report::Results;

const SOURCES: u32 = 1_000_000;
/// The flood takes ten seconds.
const PER_SECOND: u32 = 100_000;
/// Records are kept for three quarters as many new sources in a second.
const MAX_SOURCES: &str = "1500000";
const PORT: u16 = 443;

pub fn measure(rounds: u16, results: &mut Results) -> Result<()> {
    let topology = Topology::new()?;
    let synguard = Synguard::new(&topology)?;
    let mut sender = Sender::new(&topology)?;
    sender.aim(&frames::spoofed(hardware::UPLINK, CONTAINER, PORT)?)?;
    sender.pace(PER_SECOND)?;
    let controller = synguard.attach(&["--mode", "native", "--max-sources", MAX_SOURCES])?;

    let before = Usage::of(controller.id())?;
    sender.count(From::Anyone, SOURCES)?;
    let after = Usage::of(controller.id())?;
    add(
        results,
        scenario::CPU_FLOOD,
        "%",
        &[after.share_since(&before)],
    );
    add(results, scenario::MEMORY_FLOOD, "MB", &[after.resident_mb]);

    let tracked = synguard.status()?["sources_tracked"].as_u64();
    ensure!(
        tracked.is_some_and(|tracked| tracked > u64::from(SOURCES) * 9 / 10),
        "of {SOURCES} sources {tracked:?} are tracked"
    );
    let (mut text, mut json) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        text.push(seconds(&synguard, &["status", &synguard.uplink])?);
        json.push(seconds(&synguard, &["status", &synguard.uplink, "--json"])?);
    }
    add(results, scenario::STATUS, "s", &text);
    add(results, scenario::STATUS_JSON, "s", &json);
    Ok(())
}
