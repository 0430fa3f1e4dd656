//! `cargo xtask setup`.

use anyhow::Result;

use crate::toolchain::{self, Purpose};
use crate::workspace::Workspace;

/// Finds or installs all that builds and lints the kernel side, and says what
/// that is.
pub fn run(workspace: &Workspace) -> Result<()> {
    toolchain::ensure(workspace, Purpose::Lint)?.tell();
    Ok(())
}
