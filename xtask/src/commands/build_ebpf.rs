//! `cargo xtask build-ebpf`.

use std::fs;

use anyhow::{Context as _, Result};

use crate::ebpf::{self, instructions, report, verifier};
use crate::toolchain::{self, Purpose, Toolchain};
use crate::user;
use crate::workspace::Workspace;

/// Builds the kernel side and prints how large it is and how hard to verify.
pub fn run(workspace: &Workspace) -> Result<()> {
    let ready = toolchain::ensure(workspace, Purpose::Build)?;
    ready.tell();
    let object = ebpf::build(workspace, ready.toolchain)?;
    let bytes =
        fs::read(&object).with_context(|| format!("{} cannot be read", object.display()))?;
    let code = instructions::read(&bytes)?;
    let statistics = ask_verifier(workspace, ready.toolchain)?;
    print!("{}", report::table(&code, &statistics));
    Ok(())
}

fn ask_verifier(workspace: &Workspace, toolchain: Toolchain) -> Result<Vec<verifier::Statistics>> {
    if !user::is_root() {
        eprintln!("The verifier is not asked: only root can load programs.");
        return Ok(Vec::new());
    }
    verifier::load(&ebpf::build_without_log(workspace, toolchain)?)
}
