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

/// Builds the program alone, around the object that is there.
pub fn program(workspace: &Workspace) -> Result<()> {
    let mut command = cargo::host(workspace, "build");
    process::run(command.args(["--release", "--package", "synguard"]))
        .context("synguard does not compile")
}
