//! `synguard replay`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use super::{print, print_json};
use crate::cli;
use crate::error::Context as _;
use crate::pcap::{Damage, Reader};
use crate::replay::{FileEntry, Outcome, Replay, Report, Witness, show};
use crate::settings::Settings;
use crate::{Error, Result, kernel, plot, privileges};

/// The bar moves on after so many packets.
const PACKETS_A_STEP: u64 = 1 << 16;

pub(super) fn run(args: &cli::Replay) -> Result<()> {
    let settings = args.detection.settings().validated()?;
    check_plot(args)?;
    check_files(&args.files)?;
    let mut replay = Replay::new(settings);
    let mut witness = witness(args, &settings, &replay)?;
    let mut files = Vec::new();
    let mut damaged = Vec::new();
    for file in &args.files {
        let (entry, damage) = feed(&mut replay, witness.as_mut(), file)?;
        files.push(entry);
        damaged.extend(damage.map(|damage| format!("{} is {damage}", file.display())));
    }
    let outcome = replay.finish();
    let report = Report::new(&outcome, files, witness.as_ref().map(Witness::agreed));
    if args.json {
        print_json(&report)?;
    } else {
        print(&show(&report))?;
    }
    if let Some(picture) = &args.plot {
        draw(&outcome, &args.files, picture)?;
    }
    if damaged.is_empty() {
        return Ok(());
    }
    Err(Error::Damaged(format!(
        "{}; everything before it was used",
        damaged.join("; ")
    )))
}

/// A picture in place of a capture would be a loss.
fn check_plot(args: &cli::Replay) -> Result<()> {
    let real = |path: &PathBuf| fs::canonicalize(path).ok();
    let Some(picture) = args.plot.as_ref().and_then(real) else {
        return Ok(());
    };
    if args
        .files
        .iter()
        .filter_map(real)
        .any(|file| file == picture)
    {
        return Err(Error::Usage(format!(
            "{} is a capture: give --plot another name",
            picture.display()
        )));
    }
    Ok(())
}

/// That the last one is no capture is better known before the first one is read. What
/// is no plain file can be read but once.
fn check_files(files: &[PathBuf]) -> Result<()> {
    for file in files.iter().filter(|file| file.is_file()) {
        let (stream, _) = open(file)?;
        begin(stream, file)?;
    }
    Ok(())
}

fn begin(stream: Box<dyn Read>, file: &Path) -> Result<Reader<Box<dyn Read>>> {
    Reader::open(stream).map_err(|error| Error::Usage(format!("{} {error}", file.display())))
}

/// The program in the kernel, where it is asked.
fn witness(args: &cli::Replay, settings: &Settings, replay: &Replay) -> Result<Option<Witness>> {
    if !args.kernel {
        return Ok(None);
    }
    kernel::check()?;
    privileges::to_attach()?;
    Witness::new(settings, replay.settings()).map(Some)
}

fn draw(outcome: &Outcome, files: &[PathBuf], picture: &Path) -> Result<()> {
    let names: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let drawn = plot::draw(&outcome.plot(&names.join(", ")));
    fs::write(picture, drawn)
        .map_err(|error| Error::Usage(format!("{} cannot be written: {error}", picture.display())))
}

/// Replays one file.
fn feed(
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
