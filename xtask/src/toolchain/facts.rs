//! What this machine has. Every start asks, so nothing here is slow.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{debian, linker, rustc};
use crate::process;
use crate::workspace::Workspace;

/// The crate `core` for the BPF target, ready-made, below a sysroot.
const BPF_CORE: &str = "lib/rustlib/bpfel-unknown-none/lib";
/// The source of `core`, below a sysroot (rustup's `rust-src`).
const CORE_SOURCE: &str = "lib/rustlib/src/rust/library/core";

/// What was found.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// rustup has a nightly.
    pub nightly: bool,
    /// That nightly has the source of `core`.
    pub nightly_has_source: bool,
    /// There is a bpf-linker on PATH.
    pub linker_on_path: bool,
    /// Debian's compiler is there, fits, and has `core` for BPF.
    pub debian_compiles: bool,
    /// Debian's clippy is there.
    pub debian_lints: bool,
    /// This work tree has its own bpf-linker, and it starts.
    pub own_linker: bool,
}

impl Facts {
    /// Looks.
    pub fn gather(workspace: &Workspace) -> Self {
        let nightly = nightly_sysroot();
        Self {
            nightly: nightly.is_some(),
            nightly_has_source: nightly.is_some_and(|root| root.join(CORE_SOURCE).exists()),
            linker_on_path: process::find("bpf-linker").is_some(),
            debian_compiles: debian_compiles(),
            debian_lints: Path::new(debian::CLIPPY).exists(),
            own_linker: linker::is_installed(workspace),
        }
    }
}

fn nightly_sysroot() -> Option<PathBuf> {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "rustc", "--print", "sysroot"])
        // A question must not download a toolchain.
        .env("RUSTUP_AUTO_INSTALL", "0");
    sysroot(&mut command)
}

fn debian_compiles() -> bool {
    let version = process::probe(Command::new(debian::RUSTC).arg("-vV"));
    version.is_some_and(|version| rustc::is_usable(&version))
        && sysroot(Command::new(debian::RUSTC).args(["--print", "sysroot"]))
            .is_some_and(|root| root.join(BPF_CORE).exists())
}

fn sysroot(command: &mut Command) -> Option<PathBuf> {
    process::probe(command).map(|path| PathBuf::from(path.trim_end()))
}
