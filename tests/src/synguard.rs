//! The binary under test, run as its owner runs it: as a program, in the host
//! namespace.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::controller::Controller;
use crate::mounts::Mounts;
use crate::namespace::Namespace;
use crate::program;
use crate::topology::Topology;

/// The environment variable with the binary's path.
pub const BINARY: &str = "SYNGUARD_BIN";

/// synguard for one lab. Dropping it detaches and removes what is left.
#[derive(Debug)]
pub struct Synguard {
    binary: PathBuf,
    host: Namespace,
    /// The mounts that synguard sees; bpffs is not among them at first.
    pub mounts: Mounts,
    /// The interface to protect.
    pub uplink: String,
}

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// What it wrote on stdout: data.
    pub stdout: String,
    /// What it wrote on stderr: messages to a person.
    pub stderr: String,
}

impl Synguard {
    /// Finds the binary.
    ///
    /// # Errors
    /// When the variable is missing or points to nothing.
    pub fn new(topology: &Topology) -> Result<Self> {
        Ok(Self {
            binary: binary()?,
            host: topology.host.clone(),
            mounts: Mounts::fresh()?,
            uplink: topology.uplink.clone(),
        })
    }

    /// The same synguard from a build with another map layout, for the same interface.
    ///
    /// # Errors
    /// Where it was not built.
    pub fn other_layout(&self) -> Result<Self> {
        let mut other = self.on(&self.uplink);
        other.binary = self.binary.with_file_name("synguard-other-layout");
        ensure!(
            other.binary.is_file(),
            "{} is not there: `cargo xtask test` builds it",
            other.binary.display()
        );
        Ok(other)
    }

    /// Where the binary lies.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// A command that runs synguard in the host namespace.
    pub fn command(&self) -> Command {
        self.command_under(&[])
    }

    /// The same, started by another program: `setpriv …`, `unshare …`.
    pub fn command_under(&self, launcher: &[&str]) -> Command {
        let binary = self.binary.to_string_lossy();
        let mut words = launcher.iter().copied().chain([binary.as_ref()]);
        let first = words.next().unwrap_or_default();
        let mut command = self.host.command(first);
        // The lab's own peer by ssh, if any, is none of the tests' business.
        command
            .args(words)
            .env_remove("SSH_CONNECTION")
            .env("NO_COLOR", "1");
        self.mounts.enter(&mut command);
        command
    }

    /// The same synguard, for another interface of the host.
    pub fn on(&self, interface: &str) -> Self {
        Self {
            binary: self.binary.clone(),
            host: self.host.clone(),
            mounts: self.mounts.clone(),
            uplink: interface.to_owned(),
        }
    }

    /// The same synguard, for an interface in another namespace.
    pub fn inside(&self, namespace: &Namespace, interface: &str) -> Self {
        let mut other = self.on(interface);
        other.host = namespace.clone();
        other
    }

    /// What is pinned for the interface, by name; nothing when it is not attached.
    pub fn pins(&self) -> Result<Vec<String>> {
        self.pins_of(&self.uplink)
    }

    /// The same for another interface.
    pub fn pins_of(&self, interface: &str) -> Result<Vec<String>> {
        let folder = Path::new("/sys/fs/bpf/synguard").join(interface);
        self.mounts.inside(|| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.collect()
        })
    }

    /// Runs a one-shot command to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<Outcome> {
        outcome(self.command().args(arguments))
    }

    /// [`run`](Self::run), where anything but success is an error.
    pub fn succeed(&self, arguments: &[&str]) -> Result<Outcome> {
        let outcome = self.run(arguments)?;
        ensure!(
            outcome.code == Some(0),
            "synguard {arguments:?}: {outcome:?}"
        );
        Ok(outcome)
    }

    /// The entry of this lab's interface in `status --json`.
    pub fn status(&self) -> Result<serde_json::Value> {
        self.status_of(&self.uplink)
    }

    /// The same for another interface.
    pub fn status_of(&self, interface: &str) -> Result<serde_json::Value> {
        let outcome = self.succeed(&["status", interface, "--json"])?;
        let mut whole: serde_json::Value = serde_json::from_str(&outcome.stdout)?;
        let entries = whole["interfaces"]
            .as_array_mut()
            .context("no interfaces")?;
        let mut ours = entries
            .iter_mut()
            .filter(|entry| entry["interface"] == interface);
        ours.next()
            .map(serde_json::Value::take)
            .context("not in the status")
    }

    /// Starts `attach` on the uplink and returns once it says that it is ready.
    pub fn attach(&self, arguments: &[&str]) -> Result<Controller> {
        let mut command = self.command();
        command.args(["attach", &self.uplink]).args(arguments);
        let controller = Controller::start(&mut command)?;
        controller.wait_for(&format!("attached to {}", self.uplink))?;
        Ok(controller)
    }
}

impl Drop for Synguard {
    fn drop(&mut self) {
        // Pins and link would go with the mounts anyway; what a case asserts
        // about detaching it asserts before.
        let _ = self.run(&["detach", &self.uplink]);
    }
}

/// Runs a prepared synguard command to its end.
pub fn outcome(command: &mut Command) -> Result<Outcome> {
    let output = program::output(command)?;
    Ok(Outcome {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The path of the binary under test.
///
/// # Errors
/// When the variable is missing or points to nothing.
pub fn binary() -> Result<PathBuf> {
    let path = env::var_os(BINARY).map(PathBuf::from).with_context(|| {
        format!("{BINARY} is not set: it must hold the absolute path of the synguard binary")
    })?;
    ensure!(
        path.is_absolute() && path.is_file(),
        "{BINARY} must be the absolute path of the synguard binary, but is {}",
        path.display()
    );
    Ok(path)
}
