//! One file a subcommand.

mod attach;
mod capture;
mod captures;
mod completions;
mod config;
mod confirm;
mod detach;
mod doctor;
mod edit;
mod import;
mod list;
mod man_pages;
mod panic;
mod reload;
mod replay;
mod report;
mod status;
mod targets;
mod top;

use std::io::{self, Write as _};

use synguard_common::abi::action;

use crate::cli::Command;
use crate::error::Context as _;
use crate::{Error, Result};

/// Runs a subcommand.
///
/// # Errors
///
/// Whatever it met; the exit code is in the error.
pub async fn run(command: Command) -> Result<()> {
    match command {
        Command::Attach(args) => attach::run(args).await,
        Command::Status(args) => status::run(&args).await,
        Command::Top(args) => top::run(&args).await,
        Command::Doctor(args) => doctor::run(&args).await,
        Command::List(args) => list::run(&args),
        Command::Report(args) => report::run(&args).await,
        Command::Import(args) => import::import(&args),
        Command::Unlist(args) => import::unlist(&args),
        Command::Block(args) => edit::block(&args, &mut say),
        Command::Allow(args) => edit::allow(&args, &mut say),
        Command::Unblock(args) => edit::remove(&args, action::BLOCK, &mut say),
        Command::Disallow(args) => edit::remove(&args, action::ALLOW, &mut say),
        Command::Capture(args) => capture::run(&args).await,
        Command::Detach(args) => detach::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::ManPages(args) => man_pages::run(&args),
        Command::Reload(args) => reload::run(&args).await,
        Command::Confirm(args) => confirm::run(&args),
        Command::Panic(args) => panic::run(&args),
        Command::Config(command) => config::run(&command),
    }
}

/// Writes data to stdout. A reader that has seen enough is no error.
fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("writing to standard output"),
    }
}

fn print_json<T: serde::Serialize>(value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value).context("writing JSON")?;
    print(&format!("{text}\n"))
}

/// Says something to the person, who may have closed stderr.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Joins what went wrong on several interfaces, keeping the first exit code.
fn first_of(errors: Vec<Error>) -> Result<()> {
    let mut errors = errors.into_iter();
    let Some(first) = errors.next() else {
        return Ok(());
    };
    for error in errors {
        say(&format!("synguard: {error}"));
    }
    Err(first)
}
