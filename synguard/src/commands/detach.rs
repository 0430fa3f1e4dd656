//! `synguard detach`.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{first_of, say, targets};
use crate::cli::Detach;
use crate::config::{Given, InForce, Source};
use crate::dataplane::Pins;
use crate::saved::{self, Kind};
use crate::{Error, Result, challenge, evidence};

/// A controller looks once a second whether it is still wanted.
const CONTROLLER_END: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

pub(super) fn run(args: &Detach) -> Result<()> {
    let attached = targets::attached(args.interface.as_deref());
    if let (Err(Error::Absent(_)), Some(name)) = (&attached, &args.interface) {
        let pins = Pins::of(name);
        if forget(&pins, &state_dir(&pins))? {
            say(&format!(
                "{name}: was not attached; its saved bans and rules are removed"
            ));
            return Ok(());
        }
    }
    let mut errors = Vec::new();
    for pins in attached? {
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
    forget(pins, &state)?;
    // Where a controller ended before, it could not.
    challenge::give_sysctls_back(pins.interface())
}

fn forget(pins: &Pins, state: &Path) -> Result<bool> {
    saved::forget(state, pins.interface(), &[Kind::Bans, Kind::Rules])
}

/// Where the controller keeps its state: as it said, or as the next one would.
pub(super) fn state_dir(pins: &Pins) -> PathBuf {
    let told = InForce::read(pins).ok().flatten();
    let value = told.and_then(|told| Some(told.values.get("state-dir")?.value.clone()));
    let known = value.map(PathBuf::from);
    known.unwrap_or_else(|| configured_state_dir(Some(pins.interface())))
}

/// Where a controller would keep the state of an interface, or of any.
pub(super) fn configured_state_dir(interface: Option<&str>) -> PathBuf {
    let configured = || {
        let source = Source::new(None, &Given::default()).ok()?;
        let file = source.read().ok()?;
        let resolved = source.resolve_with(file.as_ref(), interface).ok()?;
        Some(resolved.state_dir)
    };
    configured().unwrap_or_else(|| PathBuf::from(evidence::STATE))
}
