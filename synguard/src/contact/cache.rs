//! Bootstrap files, kept on disk: IANA asks not to fetch them for every look-up
//! (RFC 9224 section 8).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// Twice what is fetched at most: JSON in JSON takes more room.
const LARGEST: u64 = 4 << 20;

/// A folder, or none.
#[derive(Clone, Debug)]
pub struct Cache(Option<PathBuf>);

/// A file as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Where from: another mirror's files are not taken for it.
    pub url: String,
    /// In seconds since 1970.
    pub fetched_at: u64,
    /// How long it was fresh then.
    pub fresh_seconds: u64,
    /// What it said.
    pub body: String,
}

impl Entry {
    /// A file that came in `now`.
    pub(super) fn new(url: String, body: String, fresh: Duration, now: SystemTime) -> Self {
        Self {
            url,
            fetched_at: seconds(now),
            fresh_seconds: fresh.as_secs(),
            body,
        }
    }

    /// Whether it need not be fetched again. One from the future is not trusted.
    pub(super) fn is_fresh(&self, now: SystemTime) -> bool {
        let age = seconds(now).checked_sub(self.fetched_at);
        age.is_some_and(|age| age < self.fresh_seconds)
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

impl Cache {
    /// One in this folder, which need not exist.
    pub fn at(folder: PathBuf) -> Self {
        Self(Some(folder))
    }

    /// Where this user's caches are: `$XDG_CACHE_HOME/synguard` (XDG Base Directory
    /// Specification), or for root `/var/cache/synguard` (FHS 3.0 section 5.5), or
    /// `~/.cache/synguard`.
    pub fn usual(variable: impl Fn(&str) -> Option<OsString>, is_root: bool) -> Self {
        let folder = |name: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let base = folder("XDG_CACHE_HOME").or_else(|| {
            if is_root {
                Some("/var/cache".into())
            } else {
                folder("HOME").map(|home| home.join(".cache"))
            }
        });
        Self(base.map(|base| base.join("synguard")))
    }

    /// What is kept of a URL; nothing where it cannot be read as what it should be.
    pub(super) fn read(&self, name: &str, url: &str) -> Option<Entry> {
        let mut text = Vec::new();
        let file = File::open(self.path(name)?).ok()?;
        file.take(LARGEST).read_to_end(&mut text).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        (entry.url == url).then_some(entry)
    }

    /// Keeps it: all of it, or what was there before stays.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be written.
    pub(super) fn write(&self, name: &str, entry: &Entry) -> io::Result<()> {
        let Some(path) = self.path(name) else {
            return Ok(());
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(entry)?)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join(format!("rdap-bootstrap-{name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://rdap.example/ipv4.json";

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    fn entry() -> Entry {
        Entry::new(
            URL.to_owned(),
            "{}".to_owned(),
            Duration::from_secs(60),
            at(1000),
        )
    }

    #[test]
    fn what_was_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("not/there/yet"));
        assert_eq!(cache.read("ipv4.json", URL), None);
        for _ in 0..2 {
            cache.write("ipv4.json", &entry()).unwrap();
            assert_eq!(cache.read("ipv4.json", URL), Some(entry()));
        }
        assert_eq!(cache.read("ipv6.json", URL), None);
        assert_eq!(
            cache.read("ipv4.json", "https://mirror.example/ipv4.json"),
            None
        );
        let files = fs::read_dir(folder.path().join("not/there/yet")).unwrap();
        assert_eq!(files.count(), 1, "something is left behind");
    }

    #[test]
    fn a_corrupt_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().to_owned());
        cache.write("ipv4.json", &entry()).unwrap();
        let path = cache.path("ipv4.json").unwrap();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(cache.read("ipv4.json", URL), None, "{length} bytes");
        }
    }

    #[test]
    fn what_is_old_or_from_the_future_is_not_fresh() {
        for (now, expected) in [(999, false), (1000, true), (1059, true), (1060, false)] {
            assert_eq!(entry().is_fresh(at(now)), expected, "{now}");
        }
    }

    #[test]
    fn caches_are_where_users_look_for_them() {
        let usual = |xdg: &str, home: &str, is_root| {
            let variable = |name: &str| {
                let value = if name == "HOME" { home } else { xdg };
                (!value.is_empty()).then(|| value.into())
            };
            Cache::usual(variable, is_root).0
        };
        for (xdg, home, is_root, expected) in [
            ("/x", "/h", true, Some("/x/synguard")),
            ("", "/root", true, Some("/var/cache/synguard")),
            ("relative", "/h", false, Some("/h/.cache/synguard")),
            ("", "", false, None),
        ] {
            assert_eq!(usual(xdg, home, is_root), expected.map(PathBuf::from));
        }
    }
}
