//! The kernel side: compiled, published, measured.

mod compile;
mod flags;
pub mod instructions;
mod publish;
pub mod report;
pub mod verifier;
mod verifier_log;

use std::path::PathBuf;

use anyhow::Result;

pub use compile::{Variant, clippy};

use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

/// Builds the object that `synguard` embeds. It is touched only if it changed,
/// so that nothing which depends on it is built again for nothing.
pub fn build(workspace: &Workspace, toolchain: Toolchain) -> Result<PathBuf> {
    let built = compile::build(workspace, toolchain, Variant::Shipped)?;
    let object = workspace.object();
    publish::publish(&built, &object)?;
    Ok(object)
}

/// Builds the object with another map layout, which only tests load.
pub fn build_other_layout(workspace: &Workspace, toolchain: Toolchain) -> Result<PathBuf> {
    let built = compile::build(workspace, toolchain, Variant::OtherLayout)?;
    let object = workspace
        .object()
        .with_file_name("synguard-other-layout.bpf.o");
    publish::publish(&built, &object)?;
    Ok(object)
}

/// Builds the object that the benchmark embeds.
pub fn build_bench(workspace: &Workspace, toolchain: Toolchain) -> Result<PathBuf> {
    let built = compile::build(workspace, toolchain, Variant::Bench)?;
    let object = workspace.bench_object();
    publish::publish(&built, &object)?;
    Ok(object)
}

/// Builds the variant that bpftool can load, for measurements only.
pub fn build_without_log(workspace: &Workspace, toolchain: Toolchain) -> Result<PathBuf> {
    compile::build(workspace, toolchain, Variant::WithoutLog)
}
