//! The same for systems without dpkg: to be unpacked into `/usr/local`.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result};

use super::stage;
use crate::process;
use crate::workspace::Workspace;

/// What it is called, but for its ending, and its only folder.
pub fn name() -> String {
    format!(
        "synguard-{}-{}-linux",
        env!("CARGO_PKG_VERSION"),
        env::consts::ARCH
    )
}

/// Makes it.
pub fn pack(workspace: &Workspace) -> Result<PathBuf> {
    let name = name();
    let folder = workspace.dist().join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder).context("removing what was packed before")?;
    }
    lay_out(workspace, &folder)?;
    let archive = workspace.dist().join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    // The same content is the same archive, whoever packs it.
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args(["--mtime=@0", "--gzip", "--create", "--file"])
        .arg(&archive)
        .arg("--directory")
        .arg(workspace.dist())
        .arg(&name);
    process::run(&mut tar)?;
    fs::remove_dir_all(&folder).context("removing what was packed")?;
    Ok(archive)
}

fn lay_out(workspace: &Workspace, folder: &PathBuf) -> Result<()> {
    fs::create_dir_all(folder.join("bin")).context("making the folder to pack")?;
    fs::copy(workspace.binary(), folder.join("bin/synguard")).context("packing the program")?;
    let mut copy = Command::new("cp");
    copy.arg("--recursive")
        .arg(stage::folder(workspace))
        .args(
            [
                "README.md",
                "SECURITY.md",
                "CHANGELOG.md",
                "docs",
                "contrib",
            ]
            .map(|name| workspace.root().join(name)),
        )
        .args(
            ["LICENSE-APACHE", "LICENSE-MIT", "LICENSE-GPL2"]
                .map(|name| workspace.root().join(name)),
        )
        .arg(folder);
    process::run(&mut copy)?;
    fs::rename(folder.join("stage"), folder.join("generated")).context("packing completions")
}
