//! How a line of the log looks.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use serde::Serialize;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::journal;
use crate::cli::LogFormat;
use crate::text;

/// Whether lines are JSON.
static JSON: AtomicBool = AtomicBool::new(false);
/// The interfaces that lines may be about.
static INTERFACES: RwLock<BTreeSet<String>> = RwLock::new(BTreeSet::new());

/// Changes how lines look from now on.
pub(crate) fn set_format(format: LogFormat) {
    JSON.store(format == LogFormat::Json, Ordering::Relaxed);
}

/// Makes the interface known, so that lines about it are told from others.
pub(crate) fn watches(interface: &str) {
    let mut known = INTERFACES.write().unwrap_or_else(PoisonError::into_inner);
    known.insert(interface.to_owned());
}

/// Lines for people, for the journal, or for programs.
pub(super) struct Lines {
    to_journal: bool,
    for_people: Format<Full>,
}

impl Lines {
    pub(super) fn new(to_journal: bool) -> Self {
        Self {
            to_journal,
            for_people: Format::default().with_target(false),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let is_json = JSON.load(Ordering::Relaxed);
        if !is_json && !self.to_journal {
            return self.for_people.format_event(context, writer, event);
        }
        let mut message = String::new();
        context.format_fields(Writer::new(&mut message), event)?;
        let level = *event.metadata().level();
        if is_json {
            let known = INTERFACES.read().unwrap_or_else(PoisonError::into_inner);
            message = json(SystemTime::now(), level, &message, &known);
        }
        // A line break would begin another entry, of another priority.
        for line in message.lines() {
            if self.to_journal {
                write!(writer, "<{}>", journal::priority(level))?;
            }
            writeln!(writer, "{line}")?;
        }
        Ok(())
    }
}

/// A line for programs.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    interface: Option<&'a str>,
    message: &'a str,
}

fn json(now: SystemTime, level: Level, message: &str, interfaces: &BTreeSet<String>) -> String {
    let about = message.split_once(": ");
    let about = about.filter(|(name, _)| interfaces.contains(*name));
    let (interface, message) = match about {
        Some((name, rest)) => (Some(name), rest),
        None => (None, message),
    };
    let line = Line {
        timestamp: text::exact_date(now),
        level: match level {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        },
        interface,
        message,
    };
    serde_json::to_string(&line).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn read(message: &str) -> serde_json::Value {
        let known = BTreeSet::from(["eth0".to_owned(), "br-lan".to_owned()]);
        let now = UNIX_EPOCH + Duration::from_millis(1_500);
        let line = json(now, Level::WARN, message, &known);
        assert!(!line.contains('\n'), "{line}");
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_line_names_its_interface() {
        let line = read("eth0: reloaded: syn-rate is 5");
        assert_eq!(line["timestamp"], "1970-01-01T00:00:01.500Z");
        assert_eq!(line["level"], "warn");
        assert_eq!(line["interface"], "eth0");
        assert_eq!(line["message"], "reloaded: syn-rate is 5");
        assert_eq!(read("br-lan: a")["interface"], "br-lan");
    }

    #[test]
    fn what_is_about_no_interface_stays_whole() {
        for message in ["SIGHUP: going on", "eth1: is another's", "two\nlines \"x\""] {
            let line = read(message);
            assert!(line["interface"].is_null());
            assert_eq!(line["message"], message);
        }
    }
}
