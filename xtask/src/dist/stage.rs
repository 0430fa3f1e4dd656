//! What the program writes about itself: manual pages and completions.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::workspace::Workspace;

/// The shells, and how their completions are called.
pub const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "synguard.bash"),
    ("zsh", "_synguard"),
    ("fish", "synguard.fish"),
];

/// The folder that is packed; Cargo.toml of synguard names it too.
pub fn folder(workspace: &Workspace) -> PathBuf {
    workspace.dist().join("stage")
}

/// Fills it anew.
pub fn fill(workspace: &Workspace) -> Result<()> {
    check(workspace)?;
    let folder = folder(workspace);
    if folder.exists() {
        fs::remove_dir_all(&folder).context("removing what was packed before")?;
    }
    let pages = folder.join("man");
    fs::create_dir_all(&pages).context("making the folder to pack")?;
    let mut program = Command::new(workspace.binary());
    process::run(program.arg("man-pages").arg(&pages))?;
    for (shell, name) in COMPLETIONS {
        let file = File::create(folder.join(name)).context("writing completions")?;
        let mut program = Command::new(workspace.binary());
        process::run(program.args(["completions", shell]).stdout(file))?;
    }
    Ok(())
}

/// What tests take filters over from is never shipped.
fn check(workspace: &Workspace) -> Result<()> {
    let version = Command::new(workspace.binary()).arg("--version").output();
    let version = version
        .context("asking the program for its version")?
        .stdout;
    let version = String::from_utf8_lossy(&version).into_owned();
    ensure!(
        version.contains("ABI ") && !version.contains("for tests"),
        "this is no build to ship: {version}"
    );
    Ok(())
}
