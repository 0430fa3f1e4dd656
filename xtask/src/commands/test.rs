//! `cargo xtask test`: every check and every test there is.

use std::ffi::OsString;
use std::num::NonZero;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Result, bail};

use super::steps::Steps;
use super::{build, test_packages};
use crate::toolchain::{self, Purpose};
use crate::workspace::Workspace;
use crate::{cargo, check, dist, ebpf, kernels, process, user};

/// How many cases the test harness runs at a time, unless `--test-threads` says.
const THREADS: &str = "RUST_TEST_THREADS";

/// Runs it all, in an order in which cheap failures come first. `args` go to
/// the end-to-end test binary.
pub fn run(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    let mut steps = Steps::default();
    let result = all(workspace, args, &mut steps);
    eprint!("\n{}", steps.summary());
    result
}

fn all(workspace: &Workspace, args: &[OsString], steps: &mut Steps) -> Result<()> {
    let root = user::is_root();
    let toolchain = steps.run("set up", || {
        let ready = toolchain::ensure(workspace, Purpose::Lint)?;
        ready.tell();
        Ok(ready.toolchain)
    })?;
    if root {
        steps.run("test packages", test_packages::ensure)?;
    }
    steps.run("check", || check::run(workspace))?;
    steps.run("build the kernel side", || {
        ebpf::build(workspace, toolchain).map(drop)
    })?;
    steps.run("unit tests", || {
        process::run(&mut cargo::host(workspace, "test"))
    })?;
    steps.run("build the program", || build::program(workspace))?;
    steps.run("build it with another map layout", || {
        build::other_layout(workspace)
    })?;
    if !root {
        bail!(
            "not run, as they need root: the installation of the test packages, \
             the end-to-end tests, the tests on Debian's kernels (all else was run, without \
             failures)"
        );
    }
    steps.run("what is packed", || dist::prove(workspace))?;
    steps.run("end-to-end tests", || end_to_end(workspace, args))?;
    steps.run("Debian's kernels", || kernels::run(workspace))
}

fn end_to_end(workspace: &Workspace, args: &[OsString]) -> Result<()> {
    let mut command = with_product(workspace, "test");
    command
        .env(THREADS, threads().to_string())
        .args(["--release", "--package", "synguard-tests", "--"])
        .args(args);
    process::run(&mut command)
}

/// Cases mostly wait, for timers of TCP and ends of bans.
fn threads() -> usize {
    2 * available_parallelism().map_or(1, NonZero::get)
}

/// A cargo command whose programs learn where the product is. They see all
/// else that this process sees, SYNGUARD_CAPTURES (real captures, for the
/// tests that replay them) among it.
pub fn with_product(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = cargo::host(workspace, subcommand);
    command.env("SYNGUARD_BIN", workspace.binary());
    command
}
