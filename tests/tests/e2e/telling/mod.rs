//! What the controller tells others: its log, events, the hook, metrics.

mod events;
mod hook;
mod log;
mod metrics;
mod prometheus;

use std::fs;
use std::net::{IpAddr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use synguard_tests::address::VICTIMS;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::wait;
use tempfile::TempDir;

use crate::support::plan;

/// A flood that gets its source banned.
fn flood(lab: &Lab, source: impl Into<IpAddr>) -> Result<u64> {
    Sender::start(&lab.topology, &plan(&[source.into()], 1_000, 2_500))?.finish()
}

/// A path as an argument.
fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// A port that is taken when the host starts shall not leave it unfiltered.
#[test]
fn what_the_file_asks_for_in_vain_does_not_keep_the_filter_off() -> Result<()> {
    let lab = Lab::without_services()?;
    let folder = TempDir::new()?;
    let taken = lab
        .topology
        .host
        .inside(|| TcpListener::bind("127.0.0.1:9788"))??;
    let events = folder.path().join("folder/events");
    let settings = folder.path().join("synguard.toml");
    fs::write(
        &settings,
        format!("metrics = 9788\nevents = {events:?}\non-event = \"/nowhere/hook\"\n"),
    )?;
    let controller = lab.synguard.attach(&["--config", text(&settings)?])?;
    for key in ["metrics", "events", "on-event"] {
        let line = controller.wait_for(&format!("{key} from "))?.text;
        ensure!(line.contains("ERROR"), "{line}");
        ensure!(line.contains(text(&settings)?), "{line}");
    }
    flood(&lab, VICTIMS[0])?;
    controller.wait_for("promoted")?;
    drop(taken);
    fs::create_dir(events.parent().context("no folder")?)?;
    // Without anybody's doing.
    controller.wait_for("metrics are at")?;
    controller.wait_for("events from the file is had now")?;
    let reload = lab.synguard.succeed(&["reload"])?;
    ensure!(
        reload.stderr.contains("not changed: on-event:"),
        "{reload:?}"
    );
    wait_for_event(&events, "reloaded")?;
    controller.terminate()?;
    Ok(())
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
