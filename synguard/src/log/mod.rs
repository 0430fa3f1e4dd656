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

/// Where the netlink library dumps, as an error of 4 kB, each message that it cannot read
/// and skips: at each look at the interfaces those of one whose name is not UTF-8.
const DUMPS: &str = "netlink_proto::codecs";

fn filter(level: LogLevel) -> EnvFilter {
    let loudness = match level {
        LogLevel::Off => "off",
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "info,synguard=debug,synguard_ebpf=debug",
        // All that libraries say, this too.
        LogLevel::Trace => return EnvFilter::new("trace"),
    };
    EnvFilter::new(format!("{loudness},{DUMPS}=off"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What of three errors gets through at this level.
    fn logged(level: LogLevel) -> [bool; 3] {
        let written = Written::default();
        let writer = written.clone();
        let log = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_env_filter(filter(level))
            .finish();
        tracing::subscriber::with_default(log, || {
            tracing::error!(target: "netlink_proto::codecs", "a dump");
            tracing::error!(target: "netlink_proto::framed", "a broken socket");
            tracing::error!("our own");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        ["a dump", "a broken socket", "our own"].map(|words| text.contains(words))
    }

    #[test]
    fn only_dumps_of_netlink_messages_are_left_out() {
        for level in [
            LogLevel::Error,
            LogLevel::Warn,
            LogLevel::Info,
            LogLevel::Debug,
        ] {
            assert_eq!(logged(level), [false, true, true], "{level:?}");
        }
        assert_eq!(logged(LogLevel::Trace), [true; 3]);
        assert_eq!(logged(LogLevel::Off), [false; 3]);
    }
}
