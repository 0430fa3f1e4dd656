//! One controller for several interfaces that come and go.

mod globs;
mod names;
mod notices;
mod return_of;
mod whereabouts;

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use synguard_tests::controller::{Controller, Line};
use synguard_tests::lab::Lab;
use synguard_tests::synguard::Synguard;
use synguard_tests::wait;

/// The line of the log that contains `part` for the time with this number, from 1.
fn wait_for_time(controller: &Controller, part: &str, number: usize) -> Result<Line> {
    let what = format!("{part:?}, time {number}, in the log");
    let found = wait::until(&what, wait::GENEROUS, || {
        let lines = controller.log();
        let mut lines = lines.into_iter().filter(|line| line.text.contains(part));
        lines.nth(number - 1)
    });
    found.with_context(|| format!("log:\n{}", controller.text()))
}

/// Starts `attach` with nothing but these arguments, and with as many open files as service
/// managers and shells usually allow.
fn attach(lab: &Lab, arguments: &[&str]) -> Result<Controller> {
    let mut command = lab.synguard.command();
    let limit = getrlimit(Resource::Nofile);
    let usual = Rlimit {
        current: Some(1024),
        ..limit
    };
    // SAFETY: the closure runs between fork and exec and makes one system call.
    unsafe {
        command.pre_exec(move || Ok(setrlimit(Resource::Nofile, usual)?));
    }
    Controller::start(command.arg("attach").args(arguments))
}

/// Adds an interface, with another end that is down, and brings it up.
fn add_interface(lab: &Lab, name: &str) -> Result<()> {
    let lines = [
        format!("link add {name} type veth"),
        format!("link set {name} up"),
    ];
    lab.topology.host.batch(&lines)
}

/// Makes the host look twice at what interfaces there are, and has seen it do so: whatever
/// it would do to another one it has done then.
fn let_it_look(lab: &Lab, controller: &Controller, witness: &str) -> Result<()> {
    let times = |part: &str| controller.text().matches(part).count();
    let back = format!("{witness}: it is back");
    for _ in 0..2 {
        let before = times(&back);
        lab.topology
            .host
            .batch(&[format!("link delete {witness}")])?;
        wait::until_true("the witness gone", wait::GENEROUS, || {
            let status = lab.synguard.status_of(witness);
            status.is_ok_and(|status| status["waiting"] == true)
        })?;
        add_interface(lab, witness)?;
        wait_for_time(controller, &back, before + 1)?;
    }
    Ok(())
}

/// The whole of `status --json`.
fn whole_status(synguard: &Synguard) -> Result<Value> {
    let outcome = synguard.run(&["status", "--json"])?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    Ok(serde_json::from_str(&outcome.stdout)?)
}

/// A configuration file in a folder of its own, which can be written again.
struct Settings(tempfile::TempDir);

impl Settings {
    fn new(text: &str) -> Result<Self> {
        let settings = Self(tempfile::tempdir()?);
        settings.write(text)?;
        Ok(settings)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("synguard.toml")
    }

    fn argument(&self) -> String {
        format!("--config={}", self.path().display())
    }

    fn write(&self, text: &str) -> Result<()> {
        Ok(fs::write(self.path(), text)?)
    }
}
