//! rustfmt and clippy.

use anyhow::{Context as _, Result};

use crate::ebpf::{self, Variant};
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use crate::{cargo, process};

/// All of the workspace is formatted.
pub fn format(workspace: &Workspace) -> Result<()> {
    process::run(cargo::host(workspace, "fmt").args(["--all", "--check"]))
        .context("the code is not formatted: run `cargo fmt --all`")
}

/// Clippy, for what runs on the host.
pub fn host(workspace: &Workspace) -> Result<()> {
    let mut command = cargo::host(workspace, "clippy");
    command
        .args(["--workspace", "--all-targets"])
        .args(["--exclude", "synguard-ebpf"])
        .args(["--exclude", "synguard-bench-ebpf"])
        .args(["--", "-D", "warnings"]);
    process::run(&mut command).context("clippy objects to the host side")
}

/// Clippy, for what runs in the kernel.
pub fn ebpf(workspace: &Workspace, toolchain: Toolchain) -> Result<()> {
    Variant::ALL
        .into_iter()
        .try_for_each(|variant| ebpf::clippy(workspace, toolchain, variant))
}
