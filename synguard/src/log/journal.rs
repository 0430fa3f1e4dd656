//! Whether the journal reads standard error, and how it is told of a line's priority.

use std::io;
use std::os::fd::AsFd as _;

use rustix::fs::fstat;
use tracing::Level;

/// Whether standard error is the journal's own: systemd names the journal's stream
/// (`JOURNAL_STREAM`, systemd.exec(5)), but standard error may have been redirected since.
pub(super) fn is_stderr() -> bool {
    let named = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    fstat(io::stderr().as_fd()).is_ok_and(|file| names(&named, file.st_dev, file.st_ino))
}

/// Whether `DEVICE:INODE` names this file.
fn names(stream: &str, device: u64, inode: u64) -> bool {
    let Some((named_device, named_inode)) = stream.split_once(':') else {
        return false;
    };
    named_device.parse() == Ok(device) && named_inode.parse() == Ok(inode)
}

/// The priority that a line begins with as `<6>` (sd-daemon(3), syslog(3)).
pub(super) const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journals_stream_is_known_by_its_numbers() {
        assert!(names("9:4711", 9, 4711));
        for other in ["", "9", "9:", ":4711", "9:4712", "8:4711", "9:4711:1"] {
            assert!(!names(other, 9, 4711), "{other}");
        }
    }

    #[test]
    fn worse_is_lower() {
        let all = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG];
        assert_eq!(all.map(priority), [3, 4, 6, 7]);
        assert_eq!(priority(Level::TRACE), 7);
    }
}
