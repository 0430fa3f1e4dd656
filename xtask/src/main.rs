//! `cargo xtask <task>`: everything that is done to this repository.

mod apt;
mod cargo;
mod check;
mod cli;
mod commands;
mod dist;
mod ebpf;
mod kernels;
mod no_services;
mod packages;
mod process;
mod toolchain;
mod user;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use cli::{Cli, Task};
use workspace::Workspace;

fn main() -> ExitCode {
    let Err(error) = perform(Cli::parse().task) else {
        return ExitCode::SUCCESS;
    };
    // Not anyhow's own form: that adds a backtrace where RUST_BACKTRACE is
    // set for the sake of tests, and buries the advice.
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("because: {cause}");
    }
    ExitCode::FAILURE
}

fn perform(task: Task) -> Result<()> {
    let workspace = Workspace::locate();
    match task {
        Task::Setup => commands::setup::run(&workspace),
        Task::BuildEbpf => commands::build_ebpf::run(&workspace),
        Task::Check => check::run(&workspace),
        Task::Build => commands::build::release(&workspace),
        Task::BuildOtherLayout => commands::build::other_layout(&workspace),
        Task::Run { args } => commands::run::run(&workspace, &args),
        Task::Test { args } => commands::test::run(&workspace, &args),
        Task::Kernels => commands::kernels::run(&workspace),
        Task::Bench { args } => commands::bench::run(&workspace, &args),
        Task::Dist => dist::run(&workspace),
        Task::Demo { args } => commands::demo::run(&workspace, &args),
    }
}
