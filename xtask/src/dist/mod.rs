//! Packages: what an administrator installs.

mod deb;
mod stage;
mod tarball;

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::build;
use crate::workspace::Workspace;

/// Builds SynGuard and packs it; says where the packages lie.
pub fn run(workspace: &Workspace) -> Result<()> {
    build::release(workspace)?;
    for package in [debian(workspace)?, tarball::pack(workspace)?] {
        println!("{}", package.display());
    }
    Ok(())
}

/// The Debian package of the program that was built last.
pub fn debian(workspace: &Workspace) -> Result<PathBuf> {
    stage::fill(workspace)?;
    deb::pack(workspace)
}
