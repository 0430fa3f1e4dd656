//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::interrupt;

/// Long enough for any step of the lab on a busy machine. It only ends a test
/// that is already lost; no assertion rests on it.
pub const GENEROUS: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(5);

/// Asks `condition` again and again until it gives a value.
///
/// # Errors
/// When `limit` passes first (the message carries `what`), or on Ctrl-C.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return Ok(value);
        }
        if interrupt::requested() {
            bail!("interrupted while waiting for {what}");
        }
        if start.elapsed() > limit {
            bail!("gave up after {limit:?} waiting for {what}");
        }
        std::thread::sleep(POLL);
    }
}

/// [`until`] for a condition that is only true or false.
pub fn until_true(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
    until(what, limit, || condition().then_some(()))
}
