//! `cargo xtask kernels`.

use anyhow::Result;

use super::build;
use crate::kernels;
use crate::workspace::Workspace;

/// Builds everything and tests it on the kernels that users have.
pub fn run(workspace: &Workspace) -> Result<()> {
    build::release(workspace)?;
    kernels::run(workspace)
}
