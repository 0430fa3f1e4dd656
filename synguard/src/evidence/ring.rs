//! A folder with one file for each ban, of which the oldest make room for new ones.
//!
//! Guaranteed: a file is whole or not there, whenever the process dies (not if the
//! machine does); what is not called as evidence is, is left alone.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use synguard_common::abi::SNAP;
use tempfile::Builder;

use super::{PACKETS, name};
use crate::cli::version;
use crate::pcap::{self, Reader};

/// So long before its ban may a source's first packet be: it is a suspect meanwhile.
const BEFORE: Duration = Duration::from_secs(5);
/// What is half written begins and ends so.
const UNFINISHED: (&str, &str) = (".evidence-", ".tmp");

/// How much there may be.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Files, and so bans.
    pub files: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Packets of a ban.
#[derive(Clone, Debug)]
pub struct Ban {
    /// Who is banned.
    pub source: IpNet,
    /// Since when.
    pub since: SystemTime,
    /// When the first of these packets came.
    pub first: SystemTime,
    /// Packets, as pcapng has them.
    pub packets: Vec<Vec<u8>>,
}

/// The folder.
#[derive(Debug)]
pub struct Ring {
    folder: PathBuf,
    interface: String,
    bounds: Bounds,
    /// Names with sizes, the oldest first; none before it was first looked at.
    files: Option<BTreeMap<String, u64>>,
}

impl Ring {
    /// One in this folder, which need not exist.
    pub const fn new(folder: PathBuf, interface: String, bounds: Bounds) -> Self {
        Self {
            folder,
            interface,
            bounds,
            files: None,
        }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps packets of a ban, beside those of the same ban that are there; of one that
    /// has enough of them nothing more.
    ///
    /// # Errors
    ///
    /// Where they cannot be written: then the next call looks at the folder anew.
    pub fn put(&mut self, ban: &Ban) -> io::Result<()> {
        let mut files = match self.files.take() {
            Some(files) => files,
            None => self.look()?,
        };
        let name = of_same_ban(&files, ban).unwrap_or_else(|| name::of(&ban.source, ban.first));
        let path = self.folder.join(&name);
        let mut bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let there = count(&bytes);
        if there == 0 {
            bytes = self.begin(ban)?;
        }
        let room = PACKETS.saturating_sub(there);
        if room > 0 {
            bytes.extend(ban.packets.iter().take(room).flatten());
            self.write(&path, &bytes)?;
            files.insert(name, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            self.make_room(&mut files)?;
        }
        self.files = Some(files);
        Ok(())
    }

    /// What is there, without what was left half written.
    fn look(&self) -> io::Result<BTreeMap<String, u64>> {
        // Addresses are nobody else's business.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) {
                let _ = fs::remove_file(entry.path());
            } else if name::source(&name).is_some() {
                files.insert(name, entry.metadata()?.len());
            }
        }
        Ok(files)
    }

    fn begin(&self, ban: &Ban) -> io::Result<Vec<u8>> {
        let what = format!(
            "the first packets of a ban of {} on {}",
            ban.source, self.interface
        );
        let program = format!("synguard {}", version());
        let snap_len = u32::try_from(SNAP).unwrap_or(u32::MAX);
        pcap::begin(&program, &self.interface, snap_len, &what).map_err(io::Error::other)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        // Readable by its owner alone, as temporary files are.
        let mut file = Builder::new()
            .prefix(UNFINISHED.0)
            .suffix(UNFINISHED.1)
            .tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    }

    fn make_room(&self, files: &mut BTreeMap<String, u64>) -> io::Result<()> {
        let mut bytes: u64 = files.values().sum();
        while files.len() > self.bounds.files || (bytes > self.bounds.bytes && files.len() > 1) {
            let Some((oldest, size)) = files.pop_first() else {
                break;
            };
            bytes = bytes.saturating_sub(size);
            match fs::remove_file(self.folder.join(oldest)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The file in which packets of this very ban are already.
fn of_same_ban(files: &BTreeMap<String, u64>, ban: &Ban) -> Option<String> {
    let begun = name::stamp(ban.since - BEFORE);
    let mut recent = files.range(begun..).map(|(name, _)| name);
    recent
        .rfind(|file| name::source(file) == Some(ban.source))
        .cloned()
}

/// How many packets there are; none where the file is damaged.
fn count(bytes: &[u8]) -> usize {
    let Ok(mut reader) = Reader::open(bytes) else {
        return 0;
    };
    let mut packets = 0;
    loop {
        match reader.read() {
            Ok(Some(_)) => packets += 1,
            Ok(None) => return packets,
            Err(_) => return 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::evidence::samples;

    const FEW: Bounds = Bounds {
        files: 3,
        bytes: 1 << 20,
    };

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    fn source(number: u8) -> IpNet {
        IpNet::new([192, 0, 2, number].into(), 32).unwrap()
    }

    fn ban(number: u8, since: u64, packets: &[&[u8]]) -> Ban {
        let packet = |bytes: &&[u8]| {
            pcap::packet(&pcap::Written {
                time: at(since),
                bytes,
                wire_len: 60,
                comment: "a test",
            })
            .unwrap()
        };
        Ban {
            source: source(number),
            since: at(since),
            first: at(since),
            packets: packets.iter().map(packet).collect(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn kept(state: &Path, number: u8) -> Vec<Vec<u8>> {
        let samples = samples(state, "eth0", &source(number)).unwrap();
        samples.into_iter().map(|sample| sample.bytes).collect()
    }

    fn ring(state: &Path, bounds: Bounds) -> Ring {
        Ring::new(super::super::folder(state, "eth0"), "eth0".into(), bounds)
    }

    #[test]
    fn packets_of_a_ban_come_together_in_one_private_file() {
        let state = tempfile::tempdir().unwrap();
        let mut kept_by = ring(state.path(), FEW);
        kept_by.put(&ban(1, 100, &[b"one", b"two"])).unwrap();
        // After a restart, and a little after the ban began.
        let mut other = ring(state.path(), FEW);
        let later = Ban {
            first: at(107),
            ..ban(1, 102, &[b"three"])
        };
        other.put(&later).unwrap();
        assert_eq!(kept(state.path(), 1), [&b"one"[..], b"two", b"three"]);
        // Enough is enough.
        other.put(&ban(1, 100, &[&b"more"[..]; 20])).unwrap();
        assert_eq!(kept(state.path(), 1).len(), PACKETS);
        // Another ban of the same source.
        other.put(&ban(1, 700, &[b"again"])).unwrap();
        let folder = super::super::folder(state.path(), "eth0");
        assert_eq!(names(&folder).len(), 2);
        assert_eq!(kept(state.path(), 1).last().unwrap(), b"again");
        for name in names(&folder) {
            let mode = fs::metadata(folder.join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn the_oldest_make_room_and_others_are_left_alone() {
        let state = tempfile::tempdir().unwrap();
        let folder = super::super::folder(state.path(), "eth0");
        let mut first = ring(state.path(), FEW);
        for number in 1..=4 {
            first
                .put(&ban(number, u64::from(number) * 100, &[b"x"]))
                .unwrap();
        }
        assert_eq!(kept(state.path(), 1), Vec::<Vec<u8>>::new());
        assert_eq!(kept(state.path(), 2), [b"x"]);
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        fs::write(folder.join(".evidence-1.tmp"), "half").unwrap();
        let bytes = Bounds {
            files: 100,
            bytes: 1_000,
        };
        let mut second = ring(state.path(), bytes);
        second.put(&ban(5, 900, &[&[7; 200]])).unwrap();
        let left = names(&folder);
        assert!(left.contains(&"notes.txt".to_owned()), "{left:?}");
        assert!(!left.iter().any(|name| name.ends_with(".tmp")), "{left:?}");
        assert_eq!(kept(state.path(), 2), Vec::<Vec<u8>>::new());
        let mine = left.iter().filter(|name| name.ends_with("pcapng"));
        let size = |name: &String| fs::metadata(folder.join(name)).unwrap().len();
        assert!(mine.map(size).sum::<u64>() <= 1_000);
        assert_eq!(kept(state.path(), 5).len(), 1);
    }

    #[test]
    fn a_damaged_file_is_begun_anew() {
        let state = tempfile::tempdir().unwrap();
        let folder = super::super::folder(state.path(), "eth0");
        let mut ring = ring(state.path(), FEW);
        ring.put(&ban(1, 100, &[b"one"])).unwrap();
        let name = names(&folder).remove(0);
        fs::write(folder.join(name), [0; 40]).unwrap();
        ring.put(&ban(1, 100, &[b"two"])).unwrap();
        assert_eq!(kept(state.path(), 1), [b"two"]);
    }

    #[test]
    fn what_fails_is_tried_again() {
        let state = tempfile::tempdir().unwrap();
        let blocked = state.path().join("eth0");
        fs::write(&blocked, "no folder").unwrap();
        let mut ring = ring(state.path(), FEW);
        assert!(ring.put(&ban(1, 100, &[b"one"])).is_err());
        fs::remove_file(&blocked).unwrap();
        ring.put(&ban(1, 100, &[b"one"])).unwrap();
        assert_eq!(kept(state.path(), 1), [b"one"]);
    }
}
