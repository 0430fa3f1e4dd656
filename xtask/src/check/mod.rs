//! `cargo xtask check`: all that can be said of the code without running it.

mod arrows;
mod code_view;
mod files;
mod graph;
mod lint;
mod names;
mod words;

use anyhow::{Result, bail};

use crate::ebpf;
use crate::toolchain::{self, Purpose};
use crate::workspace::Workspace;

/// Runs every check. The quick ones come first.
pub fn run(workspace: &Workspace) -> Result<()> {
    lint::format(workspace)?;
    rules(workspace)?;
    let ready = toolchain::ensure(workspace, Purpose::Lint)?;
    lint::ebpf(workspace, ready.toolchain)?;
    // The build scripts of `synguard` and of the benchmark embed the objects.
    ebpf::build(workspace, ready.toolchain)?;
    ebpf::build_bench(workspace, ready.toolchain)?;
    lint::host(workspace)
}

/// The rules that no compiler knows.
fn rules(workspace: &Workspace) -> Result<()> {
    let mut broken = arrows::broken(&graph::read(workspace)?);
    for file in files::read(workspace.root())? {
        broken.extend(names::broken(&file));
        broken.extend(words::broken(&file, workspace.root()));
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!(
        "these rules are broken (ARCHITECTURE.md has their reasons):\n  {}",
        broken.join("\n  ")
    );
}
