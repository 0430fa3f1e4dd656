//! `synguard`: parse, run, exit code.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use synguard::cli::Cli;
use synguard::{Error, commands, text};

pub(crate) fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // It may name what others named.
            let said = text::plain_lines(&format!("{error:#}"));
            eprintln!("synguard: {said}");
            error
                .downcast_ref::<Error>()
                .map_or(ExitCode::FAILURE, |error| ExitCode::from(error.exit_code()))
        }
    }
}

fn run() -> Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(commands::run(cli.command))?;
    Ok(())
}
