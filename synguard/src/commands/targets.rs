//! Which interfaces a command is about.

use synguard_common::abi::dry_run;

use super::say;
use crate::clock::Clock;
use crate::dataplane::{Lock, Maps, Pins, attached_interfaces, watched_interfaces};
use crate::{Error, Result, privileges, text};

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
        format!("{}: {text}", text::plain(&self.name))
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
    let (attached, waited_for) = attached_or_waited_for(interface)?;
    if attached.is_empty() {
        return Err(Error::Absent(not_yet(&names(&waited_for))));
    }
    Ok(attached)
}

/// As [`attached`], and those that a controller waits for and never attached.
///
/// # Errors
///
/// As there, where there are none of the latter either.
pub(super) fn attached_or_waited_for(interface: Option<&str>) -> Result<(Vec<Pins>, Vec<Pins>)> {
    privileges::to_use_maps()?;
    let pins = |names: &[String]| -> Vec<Pins> {
        let wanted = |name: &&String| interface.is_none_or(|wanted| wanted == *name);
        let wanted = names.iter().filter(wanted);
        wanted.map(|name| Pins::of(name)).collect()
    };
    let all = attached_interfaces()?;
    let attached = pins(&all);
    let mut waited_for = pins(&watched_interfaces()?);
    waited_for.retain(|pins| !pins.exist());
    if attached.is_empty() && waited_for.is_empty() {
        return Err(Error::Absent(not_attached(interface, &all)));
    }
    Ok((attached, waited_for))
}

fn names(all: &[Pins]) -> Vec<String> {
    all.iter().map(|pins| pins.interface().to_owned()).collect()
}

/// What to say of interfaces that will be attached once they are there.
fn not_yet(waited_for: &[String]) -> String {
    let (names, are, them) = several(waited_for);
    format!(
        "{names} {are} waited for: a controller attaches {them} once there is such an interface"
    )
}

/// What to say where nobody attached the interface, but these.
fn not_attached(interface: Option<&str>, others: &[String]) -> String {
    let Some(wanted) = interface.map(text::plain) else {
        return "no interface is attached: `synguard attach INTERFACE` does it".to_owned();
    };
    let others = if others.is_empty() {
        "nothing is".to_owned()
    } else {
        let (names, are, _) = several(others);
        format!("{names} {are}")
    };
    format!("{wanted} is not attached ({others}): `synguard attach {wanted}` does it")
}

/// The names, and the words that fit so many.
fn several(names: &[String]) -> (String, &'static str, &'static str) {
    let shown = text::plain(&text::list(names));
    match names.len() {
        1 => (shown, "is", "it"),
        _ => (shown, "are", "them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_waited_for_is_not_to_be_attached_by_hand() {
        for (names, words) in [
            (
                vec!["absent0"],
                "absent0 is waited for: a controller attaches it once",
            ),
            (
                vec!["a0", "b0"],
                "a0, b0 are waited for: a controller attaches them once",
            ),
        ] {
            let said = not_yet(&named(&names));
            assert!(said.starts_with(words), "{said}");
            assert!(!said.contains("synguard attach"), "{said}");
        }
    }

    #[test]
    fn who_is_not_attached_is_told_who_is() {
        for (others, words) in [
            (vec![], "(nothing is)"),
            (vec!["rva"], "(rva is)"),
            (vec!["rva", "rvb"], "(rva, rvb are)"),
        ] {
            assert_eq!(
                not_attached(Some("eth0"), &named(&others)),
                format!("eth0 is not attached {words}: `synguard attach eth0` does it")
            );
        }
        let said = not_attached(None, &[]);
        assert!(said.starts_with("no interface is attached"), "{said}");
    }

    #[test]
    fn a_name_does_nothing_to_the_terminal() {
        let evil = "w\u{1b}[31mx".to_owned();
        for said in [
            not_attached(Some(&evil), std::slice::from_ref(&evil)),
            not_yet(std::slice::from_ref(&evil)),
        ] {
            assert!(!said.contains(char::is_control), "{said:?}");
        }
    }
}
