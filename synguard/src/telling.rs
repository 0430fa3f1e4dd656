//! What the daemon tells others, and how: the format of its log, events, metrics. There is
//! one of each for all interfaces.

use std::sync::{Mutex, PoisonError};

use tracing::{error, info};

use crate::cli::{LogFormat, Telling};
use crate::config::{Origin, Resolved};
use crate::events::Destination;
use crate::metrics::{Listen, Server};
use crate::{Result, events, log};

/// What is in force.
struct InForce {
    telling: Telling,
    server: Option<Server>,
    /// What was wanted last and could not be, by key, and why.
    refused: Vec<(&'static str, String)>,
}

static IN_FORCE: Mutex<InForce> = Mutex::new(InForce {
    telling: Telling {
        log_format: LogFormat::Text,
        events: Destination::Off,
        on_event: None,
        metrics: None,
    },
    server: None,
    refused: Vec::new(),
});

/// Begins to tell, as asked for. What the file asks for and cannot be had is said and left out
/// for now: a port that is taken at boot shall not leave the host unfiltered.
///
/// # Errors
///
/// Where the command line asks for it, and events cannot be written, the hook not be run, or
/// somebody else listens where metrics are to be asked for.
pub fn start(wanted: &Resolved) -> Result<()> {
    for (key, failure) in adopt(&wanted.telling) {
        let origin = wanted.values.get(key).map(|value| &value.origin);
        match origin {
            Some(origin @ Origin::File { .. }) => error!(
                "{key} from {origin} is left out until it can be had, which is tried again each \
                 second: {failure}"
            ),
            _ => return Err(failure),
        }
    }
    Ok(())
}

/// Tells as asked for from now on; gives what cannot be, by key: that stays as it was.
pub(crate) fn adopt(wanted: &Telling) -> Vec<(&'static str, crate::Error)> {
    let mut in_force = IN_FORCE.lock().unwrap_or_else(PoisonError::into_inner);
    let InForce {
        telling,
        server,
        refused,
    } = &mut *in_force;
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
        match move_server(server, telling.metrics, wanted.metrics) {
            Ok(()) => telling.metrics = wanted.metrics,
            Err(failure) => failures.push(("metrics", failure)),
        }
    }
    *refused = failures
        .iter()
        .map(|(key, failure)| (*key, failure.to_string()))
        .collect();
    failures
}

/// Tries once more what could not be had, and says what can by now. To be called now and then:
/// an address or a disk may come only after the host has started.
pub(crate) fn try_again(wanted: &Resolved) {
    let before = refused();
    adopt(&wanted.telling);
    let after = refused();
    for (key, _) in before {
        if !after.iter().any(|(left, _)| *left == key) {
            info!("{key} from the file is had now");
        }
    }
}

/// What was wanted last and stayed as it was, by key, and why.
pub(crate) fn refused() -> Vec<(&'static str, String)> {
    let in_force = IN_FORCE.lock().unwrap_or_else(PoisonError::into_inner);
    in_force.refused.clone()
}

/// Where the new address cannot be had, metrics stay at the old one.
fn move_server(server: &mut Option<Server>, old: Listen, new: Listen) -> Result<()> {
    if old
        .zip(new)
        .is_some_and(|(old, new)| old.port() == new.port())
    {
        // Or the old one would be in the way of the new one.
        *server = None;
    }
    match new.map(Server::start).transpose() {
        Ok(started) => {
            if let Some(started) = &started {
                info!("metrics are at http://{}/metrics", started.address());
            }
            *server = started;
            Ok(())
        }
        Err(failure) => {
            if server.is_none() {
                *server = old.map(Server::start).transpose()?;
            }
            Err(failure)
        }
    }
}

/// Ends it, and waits a while for what is still to be told.
pub fn finish() {
    events::finish();
}
