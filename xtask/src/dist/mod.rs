//! Packages: what an administrator installs.

mod deb;
mod proof;
mod stage;
mod tarball;

use std::path::{Path, PathBuf};

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

pub use proof::prove;

/// A newer Debian package, of the program with another map layout: for tests of upgrades.
pub fn next(workspace: &Workspace, package: &Path) -> Result<PathBuf> {
    build::other_layout(workspace)?;
    deb::repack(workspace, package, &workspace.other_layout())
}

/// The Debian package of the program that was built last.
pub fn debian(workspace: &Workspace) -> Result<PathBuf> {
    stage::fill(workspace)?;
    deb::pack(workspace)
}
