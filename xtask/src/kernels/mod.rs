//! The tests, on the kernels that users have: booted in software emulation,
//! with the host's root as the guest's (read-only, overlaid).
//!
//! Verifiers differ from kernel to kernel; a program that this machine's
//! accepts may be refused by another.

mod boot;
mod compressed;
mod cpio;
mod needs;
mod outcome;
mod release;
mod scratch;
mod share;
mod store;
mod test_binary;

use std::thread;

use anyhow::{Result, anyhow, bail};

use crate::dist;
use crate::workspace::Workspace;
use needs::Programs;
use release::Release;

/// Runs the tests on each kernel and prints one line for each.
pub fn run(workspace: &Workspace) -> Result<()> {
    if cfg!(not(target_arch = "x86_64")) {
        bail!("not run: Debian's kernels are tested on x86-64 alone");
    }
    needs::ensure()?;
    let package = dist::debian(workspace)?;
    let programs = Programs {
        synguard: workspace.binary(),
        tests: test_binary::build(workspace)?,
        next: dist::next(workspace, &package)?,
        package,
    };
    let mut kernels = Vec::new();
    for release in &release::RELEASES {
        kernels.push((release, store::ensure(workspace, release)?));
    }
    eprintln!("The kernels boot, in emulation: this takes about a minute.");
    // A guest keeps one CPU of the host busy.
    let results: Vec<_> = thread::scope(|scope| {
        let programs = &programs;
        let guests: Vec<_> = kernels
            .iter()
            .map(|(release, kernel)| {
                (
                    *release,
                    scope.spawn(move || boot::test(release, kernel, programs)),
                )
            })
            .collect();
        guests
            .into_iter()
            .map(|(release, guest)| (release, joined(guest.join())))
            .collect()
    });
    tell(&results)
}

fn joined(result: thread::Result<Result<String>>) -> Result<String> {
    result.unwrap_or_else(|_| Err(anyhow!("the thread that watched the guest panicked")))
}

fn tell(results: &[(&Release, Result<String>)]) -> Result<()> {
    let mut failed = Vec::new();
    for (release, result) in results {
        match result {
            Ok(line) => eprintln!("{}: {line}", release.name),
            Err(error) => {
                eprintln!("{}: FAILED: {error:#}", release.name);
                failed.push(release.name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("the tests failed on: {}", failed.join(", "));
    }
    Ok(())
}
