//! Which interfaces a command is about.

use synguard_common::abi::dry_run;

use super::say;
use crate::clock::Clock;
use crate::dataplane::{Lock, Maps, Pins, attached_interfaces, watched_interfaces};
use crate::{Error, Result, privileges};

/// An interface whose rules nobody else changes meanwhile.
pub(super) struct Target {
    name: String,
    pub(super) maps: Maps,
    pub(super) clock: Clock,
    pub(super) now: u64,
    _lock: Lock,
}

impl Target {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn say(&self, text: &str) {
        say(&self.about(text));
    }

    pub(super) fn about(&self, text: &str) -> String {
        format!("{}: {text}", self.name)
    }

    /// What to say where what was just blocked is not dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the settings cannot be read.
    pub(super) fn dryness(&self) -> Result<Option<String>> {
        let settings = self.maps.settings()?;
        let name = &self.name;
        Ok(if settings.dry_run & dry_run::PANIC != 0 {
            let end = format!("`synguard panic {name} --over`");
            Some(format!("nothing is dropped before {end} is said"))
        } else if settings.is_dry(self.now) {
            Some("it is a dry run: nothing is dropped".to_owned())
        } else {
            None
        })
    }
}

/// As [`attached`], with their rules locked.
///
/// # Errors
///
/// As there, and where maps cannot be opened.
pub(super) fn locked(interface: Option<&str>) -> Result<Vec<Target>> {
    attached(interface)?.iter().map(lock).collect()
}

/// Its rules locked and its maps opened.
///
/// # Errors
///
/// Where that cannot be.
pub(super) fn lock(pins: &Pins) -> Result<Target> {
    let lock = pins.lock_rules()?;
    let maps = Maps::open(pins)?;
    let clock = maps.clock()?;
    Ok(Target {
        name: pins.interface().to_owned(),
        maps,
        clock,
        now: clock.now(),
        _lock: lock,
    })
}

/// The pins of the named interface, or of all that are attached.
///
/// # Errors
///
/// [`Error::Privilege`] where pins cannot be used, [`Error::Absent`] where
/// nothing is attached.
pub(super) fn attached(interface: Option<&str>) -> Result<Vec<Pins>> {
    privileges::to_use_maps()?;
    let all = attached_interfaces()?;
    let Some(wanted) = interface else {
        if all.is_empty() {
            return Err(Error::Absent(
                "no interface is attached: `synguard attach INTERFACE` does it".to_owned(),
            ));
        }
        return Ok(all.iter().map(|name| Pins::of(name)).collect());
    };
    if all.iter().any(|name| name == wanted) {
        return Ok(vec![Pins::of(wanted)]);
    }
    let others = if all.is_empty() {
        "nothing is".to_owned()
    } else {
        format!("{} is", all.join(", "))
    };
    Err(Error::Absent(format!(
        "{wanted} is not attached ({others}): `synguard attach {wanted}` does it"
    )))
}

/// As [`attached`], and those that a controller waits for and never attached.
///
/// # Errors
///
/// As there, where there are none of the latter either.
pub(super) fn attached_or_waited_for(interface: Option<&str>) -> Result<(Vec<Pins>, Vec<Pins>)> {
    let attached = attached(interface);
    if !matches!(attached, Ok(_) | Err(Error::Absent(_))) {
        return attached.map(|attached| (attached, Vec::new()));
    }
    let names = watched_interfaces()?;
    let wanted = |name: &&String| interface.is_none_or(|wanted| wanted == *name);
    let pins = names.iter().filter(wanted).map(|name| Pins::of(name));
    let waited_for: Vec<_> = pins.filter(|pins| !pins.exist()).collect();
    if waited_for.is_empty() {
        return attached.map(|attached| (attached, waited_for));
    }
    Ok((attached.unwrap_or_default(), waited_for))
}
