//! `cargo xtask build`.

use anyhow::{Context as _, Result};

use crate::toolchain::{self, Purpose};
use crate::workspace::Workspace;
use crate::{cargo, ebpf, process};

/// Builds both sides: the kernel's first, as the program embeds it.
pub fn release(workspace: &Workspace) -> Result<()> {
    let ready = toolchain::ensure(workspace, Purpose::Build)?;
    ebpf::build(workspace, ready.toolchain)?;
    program(workspace)
}

/// Builds the program with another map layout, beside the one that is shipped: tests take
/// filters over from it, and hand them over to it.
pub fn other_layout(workspace: &Workspace) -> Result<()> {
    let ready = toolchain::ensure(workspace, Purpose::Build)?;
    let object = ebpf::build_other_layout(workspace, ready.toolchain)?;
    let mut command = cargo::host(workspace, "build");
    command
        .env("SYNGUARD_EBPF_OBJECT", object)
        .args(["--release", "--package", "synguard"])
        .args([
            "--features",
            "other-layout",
            "--bin",
            "synguard-other-layout",
        ]);
    process::run(&mut command).context("synguard with another map layout does not compile")
}

/// Builds the program alone, around the object that is there.
pub fn program(workspace: &Workspace) -> Result<()> {
    let mut command = cargo::host(workspace, "build");
    process::run(command.args(["--release", "--package", "synguard"]))
        .context("synguard does not compile")
}
