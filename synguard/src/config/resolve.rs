//! Default, file and flags laid over each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::File;
use super::given::Given;
use super::{Origin, PATH, Value, keys};
use crate::cli::{LogLevel, Telling};
use crate::settings::{Objection, Settings};
use crate::{Error, Result};

/// The settings of an interface, and where they come from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What the controller works with.
    pub settings: Settings,
    /// How much it logs.
    pub log_level: LogLevel,
    /// What it tells others.
    pub telling: Telling,
    /// Where it keeps evidence.
    pub state_dir: PathBuf,
    /// Each key's value.
    pub values: BTreeMap<String, Value>,
}

/// Where the settings of a controller come from, now and at a reload.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file that was named; the default one otherwise.
    named: Option<PathBuf>,
    given: Given,
}

impl Source {
    /// By the flags of `attach`.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the working directory is gone, and the file's path
    /// begins there.
    pub fn new(named: Option<&Path>, given: &Given) -> Result<Self> {
        use crate::error::Context as _;
        let named = named.map(std::path::absolute).transpose();
        Ok(Self {
            named: named.context("finding the configuration file")?,
            given: given.clone(),
        })
    }

    /// The file, whether it is there or not.
    pub fn path(&self) -> &Path {
        self.named.as_deref().unwrap_or(Path::new(PATH))
    }

    /// Reads the file; none, where none was named and none is there.
    ///
    /// # Errors
    ///
    /// As [`File::read`].
    pub fn read(&self) -> Result<Option<File>> {
        match File::read(self.path()) {
            Err(Error::Absent(_)) if self.named.is_none() => Ok(None),
            file => file.map(Some),
        }
    }

    /// Reads the file and resolves an interface's settings.
    ///
    /// # Errors
    ///
    /// As [`File::read`] and [`resolve`].
    pub fn resolve(&self, interface: &str) -> Result<Resolved> {
        resolve(self.read()?.as_ref(), &self.given, Some(interface))
    }

    /// The same for a file that was read.
    ///
    /// # Errors
    ///
    /// As [`resolve`].
    pub fn resolve_with(&self, file: Option<&File>, interface: Option<&str>) -> Result<Resolved> {
        resolve(file, &self.given, interface)
    }
}

/// The settings of an interface, or those in general.
///
/// # Errors
///
/// [`Error::Usage`] where flags and file contradict each other.
pub fn resolve(file: Option<&File>, given: &Given, interface: Option<&str>) -> Result<Resolved> {
    objection(file, given, interface).map_err(|objection| {
        let values = values(file, given, interface);
        let from = |key: &&str| match &values.get(*key)?.origin {
            origin @ Origin::File { .. } => Some(format!("{key} from {origin}")),
            _ => None,
        };
        let from: Vec<_> = objection.keys.iter().filter_map(from).collect();
        let from = match &from[..] {
            [] => String::new(),
            some => format!(" ({})", some.join(", ")),
        };
        Error::Usage(format!("{}{from}", objection.text))
    })
}

/// As [`resolve`], with the keys that contradict each other.
pub(super) fn objection(
    file: Option<&File>,
    given: &Given,
    interface: Option<&str>,
) -> Result<Resolved, Objection> {
    let values = values(file, given, interface);
    let said = values
        .iter()
        .filter(|(_, value)| value.origin != Origin::Default);
    let flags = said.map(|(key, value)| format!("--{key}={}", value.value));
    // Each was parsed before.
    let options = keys::parse(flags).map_err(|text| Objection { keys: &[], text })?;
    let settings = options.settings();
    match settings.objection() {
        Some(objection) => Err(objection),
        None => Ok(Resolved {
            settings,
            log_level: options.log_level,
            telling: options.telling,
            state_dir: options.state_dir,
            values,
        }),
    }
}

fn values(file: Option<&File>, given: &Given, interface: Option<&str>) -> BTreeMap<String, Value> {
    let section = file.map(|file| file.section(interface)).unwrap_or_default();
    let of = |key: String| {
        let (value, origin) = if let Some(value) = given.0.get(&key) {
            (value.clone(), Origin::Flag)
        } else if let (Some(entry), Some(file)) = (section.get(&key), file) {
            let origin = Origin::File {
                file: file.path.clone(),
                line: entry.line,
            };
            (entry.value.clone(), origin)
        } else {
            // Unset is `auto`, less firmly ([`crate::challenge::settings_for`]).
            let value = keys::default_of(&key).unwrap_or_else(|| "auto".to_owned());
            (value, Origin::Default)
        };
        (key, Value { value, origin })
    };
    keys::keys().into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn given(flags: &[(&str, &str)]) -> Given {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Given(flags.iter().map(own).collect())
    }

    #[test]
    fn flags_beat_sections_beat_the_general_part_beats_defaults() {
        let text = "syn-rate = 10\nwindow = \"2s\"\nban-time = \"1m\"\ndry-run = true\n\
                    [interface.eth0]\nwindow = \"3s\"\nban-time = \"2m\"\n";
        let file = File::parse(Path::new("x"), text).unwrap();
        let given = given(&[("ban-time", "4m"), ("dry-run", "false")]);
        let resolved = resolve(Some(&file), &given, Some("eth0")).unwrap();
        let settings = resolved.settings;
        assert_eq!(settings.syn_rate, 10);
        assert_eq!(settings.window, Duration::from_secs(3));
        assert_eq!(settings.ban_time, Duration::from_secs(240));
        assert!(!settings.dry_run);
        let origin = |key: &str| resolved.values[key].origin.to_string();
        assert_eq!(origin("syn-rate"), "x:1");
        assert_eq!(origin("window"), "x:6");
        assert_eq!(origin("ban-time"), "flag");
        assert_eq!(origin("max-rules"), "default");
    }

    #[test]
    fn a_contradiction_between_flag_and_file_names_the_line() {
        let file = File::parse(Path::new("x"), "max-ban-time = \"20m\"").unwrap();
        let error = resolve(Some(&file), &given(&[("ban-time", "1h")]), None).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("--max-ban-time 20m is out of range: give 1h to"),
            "{error}"
        );
        assert!(error.ends_with("(max-ban-time from x:1)"), "{error}");
    }
}
