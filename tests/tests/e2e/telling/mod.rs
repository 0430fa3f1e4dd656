//! What the controller tells others: its log, events, the hook, metrics.

mod events;
mod hook;
mod log;
mod metrics;
mod prometheus;

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::wait;

use crate::support::plan;

/// A flood that gets its source banned.
fn flood(lab: &Lab, source: impl Into<IpAddr>) -> Result<u64> {
    Sender::start(&lab.topology, &plan(&[source.into()], 1_000, 2_500))?.finish()
}

/// A path as an argument.
fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// All events in a file; each line must be one.
fn events(path: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // What is being written just now may not be whole.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let read = |line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}"));
    whole.lines().map(read).collect()
}

/// The first event of this name, once there is one.
fn wait_for_event(path: &Path, name: &str) -> Result<Value> {
    wait::until(
        &format!("the event {name}"),
        wait::GENEROUS,
        || match events(path) {
            Ok(events) => {
                let mut events = events.into_iter();
                events.find(|event| event["event"] == name).map(Ok)
            }
            Err(error) => Some(Err(error)),
        },
    )
    .with_context(|| fs::read_to_string(path).unwrap_or_default())?
}
