//! Where things lie in the work tree.

use std::env;
use std::path::{Path, PathBuf};

/// The work tree that this xtask belongs to.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The work tree, wherever the caller stands.
    pub fn locate() -> Self {
        // A work tree may have been moved since the xtask was compiled, and
        // cargo would not notice: what it says now goes before.
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        Self {
            root: package.parent().unwrap_or(&package).to_path_buf(),
        }
    }

    /// The folder of the workspace's Cargo.toml.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What cargo builds for the host.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The root of `cargo install` for tools that only this work tree uses.
    pub fn tools(&self) -> PathBuf {
        self.target().join("tools")
    }

    /// The eBPF object that `synguard` embeds.
    pub fn object(&self) -> PathBuf {
        self.target().join("ebpf/synguard.bpf.o")
    }

    /// The eBPF object that the benchmark embeds.
    pub fn bench_object(&self) -> PathBuf {
        self.target().join("ebpf/synguard-bench.bpf.o")
    }

    /// Where packages are made.
    pub fn dist(&self) -> PathBuf {
        self.target().join("dist")
    }

    /// The program.
    pub fn binary(&self) -> PathBuf {
        self.target().join("release/synguard")
    }

    /// The program with another map layout.
    pub fn other_layout(&self) -> PathBuf {
        self.target().join("release/synguard-other-layout")
    }
}
