//! Compiler flags. They are the same for every toolchain.

use std::env::consts::ARCH;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

/// Gives `command` the flags, and the linker that they name.
pub fn add(command: &mut Command, workspace: &Workspace, toolchain: Toolchain) -> Result<()> {
    if toolchain == Toolchain::Debian {
        let tools = [workspace.tools().join("bin")];
        process::prefer_folders(command, &tools)?;
    }
    let flags = flags(ARCH)?;
    // Unlike RUSTFLAGS this allows for spaces, and goes before RUSTFLAGS,
    // which a user may have set for the host.
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    Ok(())
}

fn flags(arch: &str) -> Result<Vec<String>> {
    if !matches!(arch, "x86_64" | "aarch64") {
        bail!("SynGuard runs on x86_64 and aarch64, and this machine is {arch}");
    }
    // Not `+allows-misaligned-mem-access`, tempting as it is for packet fields:
    // LLVM then also misaligns what it spills, and the verifier refuses that.
    Ok(vec![
        format!("--cfg=bpf_target_arch=\"{arch}\""),
        "-Clinker=bpf-linker".into(),
        // Without debug information there is no BTF, and without BTF no map
        // that bpftool can show.
        "-Cdebuginfo=2".into(),
        "-Clink-arg=--btf".into(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_architecture_is_that_of_the_kernel() {
        let flags = flags("aarch64").expect("a known architecture");
        assert_eq!(flags[0], "--cfg=bpf_target_arch=\"aarch64\"");
        assert_eq!(flags.len(), 4);
    }

    #[test]
    fn other_architectures_are_refused_by_name() {
        let error = flags("riscv64").expect_err("no such packet path");
        assert!(error.to_string().contains("riscv64"));
    }
}
