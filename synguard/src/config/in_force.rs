//! What a controller says of its settings: a file beside its lock, for `config show` and
//! for whoever waits for a reload.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::Value;
use crate::Result;
use crate::dataplane::Pins;
use crate::error::Context as _;

/// The ending of its name.
const KIND: &str = "settings.json";
/// The ending of the request's name.
const REQUEST: &str = "reload";

/// The settings in force, as the controller last said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// The file that a reload reads.
    pub config: PathBuf,
    /// Each key's value.
    pub values: BTreeMap<String, Value>,
    /// Whose request was answered last.
    pub answered: Option<u64>,
    /// What came of the last reload.
    pub outcome: Outcome,
}

/// What came of a reload, in words for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What is otherwise from now on.
    pub changed: Vec<String>,
    /// What would be, but needs a new attachment.
    pub kept: Vec<String>,
    /// Why nothing was changed.
    pub refused: Option<String>,
}

impl InForce {
    /// What the controller of an interface said; nothing where none ever did.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where its file cannot be read.
    pub fn read(pins: &Pins) -> Result<Option<Self>> {
        let path = pins.run_file(KIND);
        let Some(text) = read(&path)? else {
            return Ok(None);
        };
        let read = serde_json::from_str(&text);
        read.context(format!("reading {}", path.display()))
            .map(Some)
    }

    /// Says so, all at once: nobody ever reads half of it.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where it cannot be written.
    pub fn write(&self, pins: &Pins) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).context("writing JSON")?;
        replace(&pins.run_file(KIND), &text)
    }
}

/// Asks for an answer to the next reload, by a number that is not soon used again.
pub(crate) fn ask(pins: &Pins, request: u64) -> Result<()> {
    replace(&pins.run_file(REQUEST), request.to_string().as_bytes())
}

/// Who asked last.
pub(crate) fn asked(pins: &Pins) -> Option<u64> {
    read(&pins.run_file(REQUEST)).ok()??.parse().ok()
}

/// Removes what is of no use once the filter is off.
pub(crate) fn remove(pins: &Pins) {
    for kind in [KIND, REQUEST] {
        let _ = fs::remove_file(pins.run_file(kind));
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        text => text
            .context(format!("reading {}", path.display()))
            .map(Some),
    }
}

fn replace(path: &Path, text: &[u8]) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = NamedTempFile::new_in(folder).context(doing())?;
    file.write_all(text).context(doing())?;
    file.persist(path).context(doing())?;
    Ok(())
}
