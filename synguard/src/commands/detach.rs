//! `synguard detach`.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{first_of, say, targets};
use crate::cli::Detach;
use crate::config::InForce;
use crate::dataplane::Pins;
use crate::saved::{self, Kind};
use crate::{Result, challenge, evidence};

/// A controller looks once a second whether it is still wanted.
const CONTROLLER_END: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

pub(super) fn run(args: &Detach) -> Result<()> {
    let mut errors = Vec::new();
    for pins in targets::attached(args.interface.as_deref())? {
        match detach(&pins) {
            Ok(()) => say(&format!("{}: detached", pins.interface())),
            Err(error) => errors.push(error),
        }
    }
    first_of(errors)
}

/// Removes the pins and what was saved, and waits for the controller to see it: who attaches again
/// at once shall not be told that the old one still runs.
fn detach(pins: &Pins) -> Result<()> {
    let state = state_dir(pins);
    let lock = pins.lock_rules()?;
    pins.remove()?;
    drop(lock);
    let end = Instant::now() + CONTROLLER_END;
    while let Some(pid) = pins.controller() {
        if Instant::now() > end {
            say(&format!(
                "{}: its controller (process {pid}) still runs",
                pins.interface()
            ));
            break;
        }
        sleep(POLL);
    }
    // Now that nobody writes it any more.
    saved::forget(&state, pins.interface(), &[Kind::Bans, Kind::Rules])?;
    // Where a controller ended before, it could not.
    challenge::give_sysctls_back(pins.interface())
}

/// Where the controller keeps its state, as far as that is known.
pub(super) fn state_dir(pins: &Pins) -> PathBuf {
    let told = InForce::read(pins).ok().flatten();
    let value = told.and_then(|told| Some(told.values.get("state-dir")?.value.clone()));
    value.map_or_else(|| PathBuf::from(evidence::STATE), PathBuf::from)
}
