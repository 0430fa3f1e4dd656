//! `synguard replay`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::{print, print_json};
use crate::cli;
use crate::error::Context as _;
use crate::pcap::{Damage, Reader};
use crate::replay::{FileEntry, Replay, Report, show};
use crate::{Error, Result};

/// The bar moves on after so many packets.
const PACKETS_A_STEP: u64 = 1 << 16;

pub(super) fn run(args: &cli::Replay) -> Result<()> {
    let mut replay = Replay::new(args.detection.settings().validated()?);
    let mut files = Vec::new();
    let mut damaged = Vec::new();
    for file in &args.files {
        let (entry, damage) = feed(&mut replay, file)?;
        files.push(entry);
        damaged.extend(damage.map(|damage| format!("{} is {damage}", file.display())));
    }
    let report = Report::new(&replay.finish(), files, None);
    if args.json {
        print_json(&report)?;
    } else {
        print(&show(&report))?;
    }
    if damaged.is_empty() {
        return Ok(());
    }
    Err(Error::Damaged(format!(
        "{}; everything before it was used",
        damaged.join("; ")
    )))
}

/// Replays one file.
fn feed(replay: &mut Replay, file: &Path) -> Result<(FileEntry, Option<Damage>)> {
    let (stream, bar) = open(file)?;
    let mut reader = Reader::open(stream)
        .map_err(|error| Error::Usage(format!("{} {error}", file.display())))?;
    let damage = loop {
        match reader.read() {
            Ok(Some(frame)) => {
                let now = replay.advance(&frame)?;
                replay.decide(&frame, now)?;
            }
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

/// Opens a file, with a bar of its length where that is known and somebody looks.
fn open(file: &Path) -> Result<(Box<dyn Read>, ProgressBar)> {
    if file == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), ProgressBar::hidden()));
    }
    let unreadable =
        |error: io::Error| Error::Usage(format!("{} cannot be read: {error}", file.display()));
    let opened = File::open(file).map_err(unreadable)?;
    let facts = opened.metadata().map_err(unreadable)?;
    if facts.is_dir() {
        return Err(Error::Usage(format!(
            "{} is a folder: name the captures in it",
            file.display()
        )));
    }
    let style =
        ProgressStyle::with_template("replaying {bar:40} {bytes} of {total_bytes}, {eta} left");
    let bar = if facts.is_file() {
        ProgressBar::new(facts.len()).with_style(style.context("making a bar")?)
    } else {
        ProgressBar::hidden()
    };
    Ok((Box::new(opened), bar))
}
