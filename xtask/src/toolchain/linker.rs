//! The bpf-linker that belongs to Debian's compiler.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;
use crate::{cargo, process};

/// The version that is proven with LLVM 22.
const VERSION: &str = "0.13.0";
const FEATURE: &str = "llvm-22";
/// Where its build script finds the LLVM to link with.
const LLVM_BIN: &str = "/usr/lib/llvm-22/bin";

/// Whether this work tree has it, and it starts.
pub fn is_installed(workspace: &Workspace) -> bool {
    let linker = workspace.tools().join("bin/bpf-linker");
    process::probe(Command::new(linker).arg("--version"))
        .is_some_and(|version| version.contains(VERSION))
}

/// Compiles it, for this work tree alone: a bpf-linker of another version on
/// the user's PATH stays what it is.
pub fn install(workspace: &Workspace) -> Result<()> {
    let root = workspace.tools();
    eprintln!(
        "For the eBPF side, `cargo xtask` now compiles bpf-linker {VERSION} into {} \
         (about a minute).",
        root.display()
    );
    let mut command = Command::new(cargo::program());
    command
        .args(["install", "bpf-linker", "--version", VERSION, "--locked"])
        .args(["--no-default-features", "--features", FEATURE])
        .arg("--root")
        .arg(&root)
        // Its gigabyte of intermediate files belongs in a temporary folder.
        .env_remove("CARGO_TARGET_DIR");
    // Cargo advises to add a folder to PATH that is not in it; nobody has to.
    let folders = [PathBuf::from(LLVM_BIN), root.join("bin")];
    process::prefer_folders(&mut command, &folders)?;
    process::run(&mut command).context("bpf-linker could not be compiled")
}
