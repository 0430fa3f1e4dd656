//! Compiler flags. They are the same for every toolchain.

use std::env::consts::ARCH;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;

/// Lets one load read a packet field that does not lie on a multiple of its
/// size.
const MISALIGNED: &str = "allows-misaligned-mem-access";

/// Gives `command` the flags, and the linker that they name.
pub fn add(command: &mut Command, workspace: &Workspace, toolchain: Toolchain) -> Result<()> {
    let mut linker = Command::new("bpf-linker");
    if toolchain == Toolchain::Debian {
        let tools = [workspace.tools().join("bin")];
        process::prefer_folders(&mut linker, &tools)?;
        process::prefer_folders(command, &tools)?;
    }
    let help = process::read(linker.arg("--help"))?;
    let flags = flags(ARCH, help.contains(MISALIGNED))?;
    // Unlike RUSTFLAGS this allows for spaces, and goes before RUSTFLAGS,
    // which a user may have set for the host.
    command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    Ok(())
}

fn flags(arch: &str, misaligned: bool) -> Result<Vec<String>> {
    if !matches!(arch, "x86_64" | "aarch64") {
        bail!("SynGuard runs on x86_64 and aarch64, and this machine is {arch}");
    }
    let mut flags = vec![
        format!("--cfg=bpf_target_arch=\"{arch}\""),
        "-Clinker=bpf-linker".into(),
        // Without debug information there is no BTF, and without BTF no map
        // that bpftool can show.
        "-Cdebuginfo=2".into(),
        "-Clink-arg=--btf".into(),
    ];
    if misaligned {
        flags.push(format!("-Clink-arg=--cpu-features=+{MISALIGNED}"));
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_architecture_is_that_of_the_kernel() {
        let flags = flags("aarch64", false).expect("a known architecture");
        assert_eq!(flags[0], "--cfg=bpf_target_arch=\"aarch64\"");
        assert_eq!(flags.len(), 4);
    }

    #[test]
    fn misaligned_access_is_asked_for_where_the_linker_knows_it() {
        let flags = flags("x86_64", true).expect("a known architecture");
        let last = "-Clink-arg=--cpu-features=+allows-misaligned-mem-access";
        assert_eq!(flags.last().map(String::as_str), Some(last));
    }

    #[test]
    fn other_architectures_are_refused_by_name() {
        let error = flags("riscv64", true).expect_err("no such packet path");
        assert!(error.to_string().contains("riscv64"));
    }
}
