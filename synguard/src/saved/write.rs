//! Writing a file so that it is whole or the one before, whatever happens meanwhile.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use serde::Serialize as _;
use tempfile::Builder;

use super::line::Line;

/// What is half written begins and ends so.
const UNFINISHED: (&str, &str) = (".saved-", ".tmp");

/// Puts a file of these lines in the place of what is at `path`, and waits until the disk
/// has it.
pub(super) fn write(path: &Path, lines: &[Line]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    make_folder(folder)?;
    // Readable by its owner alone, as temporary files are.
    let file = Builder::new()
        .prefix(UNFINISHED.0)
        .suffix(UNFINISHED.1)
        .tempfile_in(folder)?;
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    for line in lines {
        line.serialize(&mut serde_json::Serializer::new(&mut writer))
            .map_err(io::Error::from)?;
        writer.write_all(b"\n")?;
    }
    let file = writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Removes what a writer that was killed left half written.
pub(super) fn tidy(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    // Addresses are nobody else's business.
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
