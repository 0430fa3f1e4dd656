//! Who gets events, in this process: there is one file and one hook for all interfaces.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tracing::error;

use super::file::Writer;
use super::hook::{Command, Hook};
use super::record::Told;
use super::{Destination, Event};
use crate::Result;

static WRITER: Mutex<Option<Writer>> = Mutex::new(None);
static HOOK: Mutex<Option<Hook>> = Mutex::new(None);

/// Gives an event to whoever wants it, and waits for nobody.
pub(super) fn offer(interface: &str, event: &Event) {
    let writer = lock(&WRITER);
    let hook = lock(&HOOK);
    if writer.is_none() && hook.is_none() {
        return;
    }
    let told = match Told::new(SystemTime::now(), interface, event) {
        Ok(told) => told,
        Err(failure) => return error!("{interface}: writing an event as JSON: {failure}"),
    };
    if let Some(writer) = &*writer {
        writer.put(&told);
    }
    if let Some(hook) = &*hook {
        hook.put(told);
    }
}

/// Writes events there from now on.
///
/// # Errors
///
/// Where a file cannot be opened; then they are written where they were before.
pub(crate) fn adopt_destination(destination: &Destination) -> Result<()> {
    let writer = Writer::start(destination)?;
    drop(replace(&WRITER, writer));
    Ok(())
}

/// Runs this command from now on.
///
/// # Errors
///
/// Where it is no program; then the one from before is run.
pub(crate) fn adopt_command(command: Option<&Command>) -> Result<()> {
    let hook = command.map(Hook::start).transpose()?;
    drop(replace(&HOOK, hook));
    Ok(())
}

/// Opens the file anew: it may have been moved.
pub(crate) fn reopen() {
    let writer = lock(&WRITER);
    if let Some(writer) = &*writer {
        writer.reopen();
    }
}

/// Ends it all, and waits a while for what is still to be told.
pub(crate) fn finish() {
    if let Some(writer) = replace(&WRITER, None) {
        writer.finish();
    }
    if let Some(hook) = replace(&HOOK, None) {
        hook.finish();
    }
}

fn replace<T>(place: &Mutex<Option<T>>, new: Option<T>) -> Option<T> {
    std::mem::replace(&mut *lock(place), new)
}

fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
