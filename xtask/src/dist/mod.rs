//! Packages: what an administrator installs.

mod deb;
mod stage;
mod tarball;

use anyhow::Result;

use crate::commands::build;
use crate::workspace::Workspace;

/// Builds SynGuard and packs it; says where the packages lie.
pub fn run(workspace: &Workspace) -> Result<()> {
    build::release(workspace)?;
    stage::fill(workspace)?;
    for package in [deb::pack(workspace)?, tarball::pack(workspace)?] {
        println!("{}", package.display());
    }
    Ok(())
}
