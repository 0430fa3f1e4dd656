//! Captures that a command is given: opened, checked, fed to a replay; and the picture
//! that is made of them.

use std::fs::{self, File, Metadata};
use std::io::{self, IsTerminal as _, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::Context as _;
use crate::pcap::{Damage, Reader};
use crate::plot::{self, Plot};
use crate::replay::{FileEntry, Replay, Witness};
use crate::{Error, Result, text};

/// The bar moves on after so many packets.
const PACKETS_A_STEP: u64 = 1 << 16;

/// So many files are named in a title or a letter.
const NAMED: usize = 3;

/// What was read of some captures.
pub(super) struct Fed {
    /// File by file.
    pub(super) files: Vec<FileEntry>,
    /// What to end with where some were damaged.
    pub(super) damage: Option<Error>,
}

/// That the last one is no capture, or `picture` one of them, is better known before
/// the first one is read. What is no plain file can be read but once.
pub(super) fn check(files: &[PathBuf], picture: Option<&PathBuf>) -> Result<()> {
    check_standard_input(files)?;
    for file in files.iter().filter(|file| !is_standard_input(file)) {
        let facts = facts(file)?;
        if !facts.is_file() {
            continue;
        }
        if let Some(picture) = picture {
            check_picture(picture, &facts)?;
        }
        let (stream, _) = open(file)?;
        begin(stream, file)?;
    }
    Ok(())
}

/// It holds one capture, and from a terminal none comes.
fn check_standard_input(files: &[PathBuf]) -> Result<()> {
    let times = files.iter().filter(|file| is_standard_input(file)).count();
    let problem = match times {
        0 => return Ok(()),
        1 if io::stdin().is_terminal() => {
            "is a terminal: pipe a capture into it, as in `gzip -dc FILE | synguard …`"
        }
        1 => return Ok(()),
        _ => "can be read but once",
    };
    Err(Error::Usage(format!("- (standard input) {problem}")))
}

/// A picture in place of a capture would be a loss.
fn check_picture(picture: &Path, capture: &Metadata) -> Result<()> {
    let same = |old: Metadata| (old.dev(), old.ino()) == (capture.dev(), capture.ino());
    if fs::metadata(picture).is_ok_and(same) {
        return Err(Error::Usage(format!(
            "{} is a capture: give --plot another name",
            picture.display()
        )));
    }
    Ok(())
}

/// Replays all of them, as the parts of one.
pub(super) fn feed(
    replay: &mut Replay,
    mut witness: Option<&mut Witness>,
    files: &[PathBuf],
) -> Result<Fed> {
    let mut entries = Vec::new();
    let mut damaged = Vec::new();
    for file in files {
        let (entry, damage) = feed_one(replay, witness.as_deref_mut(), file)?;
        entries.push(entry);
        damaged.extend(damage.map(|damage| format!("{} is {damage}", file.display())));
    }
    let damage = (!damaged.is_empty()).then(|| {
        Error::Damaged(format!(
            "{}; everything before it was used",
            damaged.join("; ")
        ))
    });
    Ok(Fed {
        files: entries,
        damage,
    })
}

fn feed_one(
    replay: &mut Replay,
    mut witness: Option<&mut Witness>,
    file: &Path,
) -> Result<(FileEntry, Option<Damage>)> {
    let (stream, bar) = open(file)?;
    let mut reader = begin(stream, file)?;
    let damage = loop {
        match reader.read() {
            Ok(Some(frame)) => replay.feed(&frame, witness.as_deref_mut())?,
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        }
        if reader.packets().is_multiple_of(PACKETS_A_STEP) {
            bar.set_position(reader.offset());
        }
    };
    bar.finish_and_clear();
    let entry = FileEntry::new(
        file,
        reader.packets(),
        &reader.interfaces(),
        damage.as_ref(),
    );
    Ok((entry, damage))
}

fn begin(stream: Box<dyn Read>, file: &Path) -> Result<Reader<Box<dyn Read>>> {
    Reader::open(stream).map_err(|error| Error::Usage(format!("{} {error}", file.display())))
}

/// Opens a file, with a bar of its length where that is known and somebody looks.
fn open(file: &Path) -> Result<(Box<dyn Read>, ProgressBar)> {
    if is_standard_input(file) {
        return Ok((Box::new(io::stdin().lock()), ProgressBar::hidden()));
    }
    let facts = facts(file)?;
    let opened = File::open(file).map_err(|error| unreadable(file, &error))?;
    let style =
        ProgressStyle::with_template("replaying {bar:40} {bytes} of {total_bytes}, {eta} left");
    let bar = if facts.is_file() {
        ProgressBar::new(facts.len()).with_style(style.context("making a bar")?)
    } else {
        ProgressBar::hidden()
    };
    Ok((Box::new(opened), bar))
}

fn facts(file: &Path) -> Result<Metadata> {
    let facts = fs::metadata(file).map_err(|error| unreadable(file, &error))?;
    if facts.is_dir() {
        return Err(Error::Usage(format!(
            "{} is a folder: name the captures in it",
            file.display()
        )));
    }
    Ok(facts)
}

fn unreadable(file: &Path, error: &io::Error) -> Error {
    Error::Usage(format!("{} cannot be read: {error}", file.display()))
}

fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

/// Draws a picture into a file.
pub(super) fn draw(plot: &Plot, picture: &Path) -> Result<()> {
    fs::write(picture, plot::draw(plot))
        .map_err(|error| Error::Usage(format!("{} cannot be written: {error}", picture.display())))
}

/// The captures' names in one line, without their folders, which are nobody's business.
pub(super) fn names(files: &[PathBuf]) -> String {
    let name = |file: &PathBuf| match file.file_name() {
        _ if is_standard_input(file) => "standard input".to_owned(),
        Some(name) => text::plain(&name.to_string_lossy()),
        None => "?".to_owned(),
    };
    let mut names: Vec<_> = files.iter().take(NAMED).map(name).collect();
    if let Some(more @ 1..) = files.len().checked_sub(NAMED) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}
