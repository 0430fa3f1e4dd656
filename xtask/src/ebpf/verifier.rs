//! What this machine's kernel says of the programs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::verifier_log;
pub use super::verifier_log::Statistics;
use crate::packages::{self, Package};
use crate::process;

/// Loads an object and shows the verifier's log.
pub const BPFTOOL: Package = Package::program(
    "bpftool",
    "bpftool",
    "loads programs and shows the verifier's log",
);

/// In a mount namespace of its own the bpffs is ours alone: nothing has to be
/// mounted before, no map of a running SynGuard is touched, and all pins are
/// gone with the process, however it ends.
const LOAD: &str =
    "mount -t bpf bpf /sys/fs/bpf && exec \"$1\" -d prog loadall \"$2\" /sys/fs/bpf/programs";

/// How much of a refusal is worth showing: the rejected instruction is last.
const LINES_OF_REFUSAL: usize = 30;

/// Loads every program of the object, and unloads it. Needs root.
pub fn load(object: &Path) -> Result<Vec<Statistics>> {
    packages::ensure(&[BPFTOOL], "To ask the verifier")?;
    let bpftool = process::find("bpftool").context("bpftool is installed, but not on PATH")?;
    let output = Command::new("unshare")
        .args(["--mount", "--", "sh", "-c", LOAD, "sh"])
        .arg(bpftool)
        .arg(object)
        .output()
        .context("`unshare` (util-linux) could not be started")?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(
            "the programs could not be loaded into this kernel:\n{}",
            tail(&log)
        );
    }
    Ok(verifier_log::parse(&log))
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LINES_OF_REFUSAL)..].join("\n")
}
