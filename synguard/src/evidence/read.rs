//! Evidence, for a report.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use ipnet::IpNet;

use super::{PACKETS, folder, name};
use crate::pcap::Reader;
use crate::report::Sample;

/// The packets of the last bans of a source that were kept, the oldest first: enough
/// for a letter.
///
/// # Errors
///
/// Where the folder or a file cannot be read; that there is none is no error.
pub fn samples(state: &Path, interface: &str, source: &IpNet) -> io::Result<Vec<Sample>> {
    const MOST: usize = 2 * PACKETS;
    let folder = folder(state, interface);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.retain(|file| name::source(file).as_ref() == Some(source));
    names.sort();
    let mut samples = Vec::new();
    for file in names {
        match File::open(folder.join(file)) {
            // It has just made room.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            file => read(file?, &mut samples),
        }
    }
    Ok(samples.split_off(samples.len().saturating_sub(MOST)))
}

/// As far as it is not damaged.
fn read(file: File, samples: &mut Vec<Sample>) {
    let Ok(mut reader) = Reader::open(BufReader::new(file)) else {
        return;
    };
    while let Ok(Some(frame)) = reader.read() {
        samples.push(Sample {
            time: UNIX_EPOCH + Duration::from_nanos(frame.nanos),
            bytes: frame.data.to_vec(),
        });
    }
}
