//! The cargo commands that compile and lint what runs in the kernel.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::flags;
use crate::toolchain::{Toolchain, debian};
use crate::workspace::Workspace;
use crate::{cargo, process};

const TARGET: &str = "bpfel-unknown-none";

/// Which object of the kernel side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The one that `synguard` embeds.
    Shipped,
    /// Without the debug log: its map is of the legacy kind, which bpftool
    /// refuses.
    WithoutLog,
    /// With another map layout, for the tests of taking over.
    OtherLayout,
    /// What the benchmark sends with and compares with.
    Bench,
}

impl Variant {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::Shipped,
        Self::WithoutLog,
        Self::OtherLayout,
        Self::Bench,
    ];

    const fn package(self) -> &'static str {
        match self {
            Self::Shipped | Self::WithoutLog | Self::OtherLayout => "synguard-ebpf",
            Self::Bench => "synguard-bench-ebpf",
        }
    }
}

/// Compiles one variant. Cargo decides whether there is anything to do.
pub fn build(workspace: &Workspace, toolchain: Toolchain, variant: Variant) -> Result<PathBuf> {
    let mut command = match toolchain {
        Toolchain::Nightly => with_nightly("build"),
        Toolchain::Debian => with_debian(cargo::program(), "build"),
    };
    add_package(&mut command, workspace, variant);
    flags::add(&mut command, workspace, toolchain)?;
    process::run(&mut command).context("the eBPF side does not compile")?;
    Ok(target_dir(workspace, variant)
        .join(TARGET)
        .join("release")
        .join(variant.package()))
}

/// Lints one variant as it is compiled for the kernel.
pub fn clippy(workspace: &Workspace, toolchain: Toolchain, variant: Variant) -> Result<()> {
    let mut command = match toolchain {
        Toolchain::Nightly => with_nightly("clippy"),
        // rustup's cargo would find rustup's clippy, which is of another
        // version than the compiler.
        Toolchain::Debian => with_debian(debian::CLIPPY, "clippy"),
    };
    add_package(&mut command, workspace, variant);
    flags::add(&mut command, workspace, toolchain)?;
    command.args(["--", "-D", "warnings"]);
    process::run(&mut command).context("clippy objects to the eBPF side")
}

fn with_nightly(subcommand: &str) -> Command {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", subcommand])
        .args(["-Z", "build-std=core"])
        // These name the toolchain that runs the xtask.
        .env_remove("CARGO")
        .env_remove("RUSTC");
    command
}

fn with_debian(program: impl AsRef<OsStr>, subcommand: &str) -> Command {
    let mut command = Command::new(program);
    command
        .arg(subcommand)
        .env("RUSTC", debian::RUSTC)
        // aya-ebpf needs an unstable feature, and this is a stable compiler.
        .env("RUSTC_BOOTSTRAP", "1");
    command
}

fn add_package(command: &mut Command, workspace: &Workspace, variant: Variant) {
    cargo::forget_our_package(command);
    command
        .current_dir(workspace.root())
        .args(["--package", variant.package()])
        .args(["--release", "--target", TARGET])
        .arg("--target-dir")
        .arg(target_dir(workspace, variant));
    match variant {
        Variant::WithoutLog => command.arg("--no-default-features"),
        Variant::OtherLayout => command.args(["--features", "other-layout"]),
        Variant::Shipped | Variant::Bench => command,
    };
}

/// One folder for each, as two put their object under the same name.
fn target_dir(workspace: &Workspace, variant: Variant) -> PathBuf {
    workspace.target().join(match variant {
        Variant::Shipped => "ebpf-build",
        Variant::WithoutLog => "ebpf-build-without-log",
        Variant::OtherLayout => "ebpf-build-other-layout",
        Variant::Bench => "ebpf-build-bench",
    })
}
