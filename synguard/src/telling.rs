//! What the daemon tells others, and how: the format of its log, events, metrics. There is
//! one of each for all interfaces.

use std::sync::{Mutex, PoisonError};

use tracing::info;

use crate::cli::{LogFormat, Telling};
use crate::events::Destination;
use crate::metrics::Server;
use crate::{Result, events, log};

/// What is in force.
struct InForce {
    telling: Telling,
    server: Option<Server>,
}

static IN_FORCE: Mutex<InForce> = Mutex::new(InForce {
    telling: Telling {
        log_format: LogFormat::Text,
        events: Destination::Off,
        on_event: None,
        metrics: None,
    },
    server: None,
});

/// Begins to tell, as asked for.
///
/// # Errors
///
/// Where events cannot be written, the hook not be run, or somebody else listens where
/// metrics are to be asked for.
pub fn start(wanted: &Telling) -> Result<()> {
    match adopt(wanted).into_iter().next() {
        Some((_, failure)) => Err(failure),
        None => Ok(()),
    }
}

/// Tells as asked for from now on; gives what cannot be, by key: that stays as it was.
pub(crate) fn adopt(wanted: &Telling) -> Vec<(&'static str, crate::Error)> {
    let mut in_force = IN_FORCE.lock().unwrap_or_else(PoisonError::into_inner);
    let InForce { telling, server } = &mut *in_force;
    log::set_format(wanted.log_format);
    telling.log_format = wanted.log_format;
    let mut failures = Vec::new();
    if telling.events != wanted.events {
        match events::adopt_destination(&wanted.events) {
            Ok(()) => telling.events = wanted.events.clone(),
            Err(failure) => failures.push(("events", failure)),
        }
    }
    if telling.on_event != wanted.on_event {
        match events::adopt_command(wanted.on_event.as_ref()) {
            Ok(()) => telling.on_event = wanted.on_event.clone(),
            Err(failure) => failures.push(("on-event", failure)),
        }
    }
    if telling.metrics != wanted.metrics {
        match wanted.metrics.map(Server::start).transpose() {
            Ok(new) => {
                if let Some(new) = &new {
                    info!("metrics are at http://{}/metrics", new.address());
                }
                (*server, telling.metrics) = (new, wanted.metrics);
            }
            Err(failure) => failures.push(("metrics", failure)),
        }
    }
    failures
}

/// Ends it, and waits a while for what is still to be told.
pub fn finish() {
    events::finish();
}
