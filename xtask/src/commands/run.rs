//! `cargo xtask run`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::build;
use crate::cargo;
use crate::workspace::Workspace;

/// Builds everything and becomes `synguard`, so that signals reach it and its
/// exit code is the caller's. It says itself which privileges it lacks.
pub fn run(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    build::release(workspace)?;
    let binary = workspace.binary();
    let mut command = Command::new(&binary);
    cargo::forget_our_package(&mut command);
    let error = command.args(args).exec();
    Err(error).with_context(|| format!("{} could not be started", binary.display()))
}
