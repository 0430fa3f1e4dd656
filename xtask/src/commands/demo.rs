//! `cargo xtask demo`.

use std::ffi::OsString;

use anyhow::{Result, ensure};

use super::{build, test_packages};
use crate::workspace::Workspace;
use crate::{process, user};

/// Builds everything and runs the demonstration of the tests package.
pub fn run(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    ensure!(
        user::is_root(),
        "the demonstration makes network namespaces and loads programs into the kernel: \
         run it as root"
    );
    build::release(workspace)?;
    test_packages::ensure()?;
    let mut command = super::test::with_product(workspace, "run");
    command
        .args([
            "--release",
            "--package",
            "synguard-tests",
            "--bin",
            "demo",
            "--",
        ])
        .args(args);
    process::run(&mut command)
}
