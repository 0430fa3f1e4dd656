//! The log of a controller: on standard error, and louder or quieter, or in another
//! format, while it runs.
//!
//! A line about an interface begins with its name and a colon.

mod journal;
mod line;

use std::io::{self, IsTerminal as _};
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

use crate::Result;
use crate::cli::{LogFormat, LogLevel};
use crate::error::Context as _;
use line::Lines;

pub(crate) use line::{set_format, watches};

/// Makes the log of this process louder or quieter; there is only one.
type Set = dyn Fn(LogLevel) -> Result<()> + Send + Sync;
static SET: OnceLock<Box<Set>> = OnceLock::new();

/// Starts it.
///
/// # Errors
///
/// [`crate::Error::Failed`] where there is one.
pub fn start(level: LogLevel, format: LogFormat) -> Result<()> {
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    set_format(format);
    let builder = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(colours)
        .event_format(Lines::new(journal::is_stderr()))
        .with_env_filter(filter(level))
        .with_filter_reloading();
    let handle = builder.reload_handle();
    builder.try_init().context("starting the log")?;
    SET.get_or_init(|| {
        Box::new(move |level| {
            handle
                .reload(filter(level))
                .context("changing how much is logged")
        })
    });
    Ok(())
}

/// Makes it louder or quieter.
///
/// # Errors
///
/// [`crate::Error::Failed`] where it cannot be.
pub fn set_level(level: LogLevel) -> Result<()> {
    SET.get().map_or(Ok(()), |set| set(level))
}

fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(match level {
        LogLevel::Off => "off",
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "info,synguard=debug,synguard_ebpf=debug",
        LogLevel::Trace => "trace",
    })
}
