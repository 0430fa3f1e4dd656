//! Whether bans and rules can be saved, for after a reboot.

use std::path::Path;

use indicatif::BinaryBytes;
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};
use rustix::io::Errno;

use super::Finding;

const TOPIC: &str = "saved state";

/// Room for 100,000 bans, twice, as a file is written anew beside the old one.
const ROOM: u64 = 64 << 20;

/// What the nearest folder that there is says of its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    /// So many bytes are left.
    Writable {
        left: u64,
    },
    ReadOnly,
    Refused,
    /// It is no folder, or the disk does not answer.
    Unusable(Errno),
}

/// Whether a controller could save in this folder, or make it.
pub fn of_state(folder: &Path) -> Finding {
    let is_there = |folder: &&Path| folder.symlink_metadata().is_ok();
    let nearest = folder.ancestors().find(is_there);
    judge(folder, look(nearest.unwrap_or(folder)))
}

fn look(folder: &Path) -> Disk {
    let disk = match statvfs(folder.join(".")) {
        Ok(disk) => disk,
        Err(error) => return Disk::Unusable(error),
    };
    if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Disk::ReadOnly;
    }
    match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Disk::Writable {
            left: disk.f_bavail.saturating_mul(disk.f_frsize),
        },
        Err(Errno::ROFS) => Disk::ReadOnly,
        Err(_) => Disk::Refused,
    }
}

fn judge(folder: &Path, disk: Disk) -> Finding {
    let shown = folder.display();
    let lost = "bans and rules would be lost at a reboot";
    let elsewhere = "or name another folder: state-dir in the configuration, --state-dir";
    let warn = |why: String, remedy: String| Finding::warn(TOPIC, why, remedy);
    match disk {
        Disk::Writable { left } if left >= ROOM => {
            Finding::ok(TOPIC, format!("{shown}, {} free", BinaryBytes(left)))
        }
        Disk::Writable { left } => warn(
            format!("{shown}: only {} free: {lost}", BinaryBytes(left)),
            format!("make room, {elsewhere}"),
        ),
        Disk::ReadOnly => warn(
            format!("{shown} is on a read-only file system: {lost}"),
            format!("mount it writable, {elsewhere}"),
        ),
        Disk::Refused => warn(
            format!("{shown} could not be looked at by this user"),
            "`sudo synguard doctor` looks as the controller would".to_owned(),
        ),
        Disk::Unusable(error) => warn(
            format!("{shown} cannot be used: {error}: {lost}"),
            format!("make a folder of it, {elsewhere}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_disk_that_takes_nothing_is_named_with_what_to_do() {
        for (disk, level, says) in [
            (Disk::Writable { left: 1 << 40 }, Level::Ok, "free"),
            (Disk::Writable { left: ROOM - 1 }, Level::Warn, "only"),
            (Disk::ReadOnly, Level::Warn, "read-only"),
            (Disk::Refused, Level::Warn, "this user"),
            (Disk::Unusable(Errno::NOTDIR), Level::Warn, "cannot be used"),
        ] {
            let finding = judge(Path::new("/var/lib/synguard"), disk);
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(finding.reason.contains(says), "{finding:?}");
            assert_eq!(finding.remedy.is_some(), level != Level::Ok);
        }
    }

    #[test]
    fn one_that_is_not_there_yet_is_judged_by_where_it_would_be() -> crate::Result<()> {
        use crate::error::Context as _;
        let folder = tempfile::tempdir().context("a folder")?;
        let file = folder.path().join("file");
        std::fs::write(&file, "").context("a file")?;
        let found = look(folder.path());
        assert!(matches!(found, Disk::Writable { .. }), "{found:?}");
        assert_eq!(look(&file), Disk::Unusable(Errno::NOTDIR));
        let there = of_state(folder.path()).level;
        assert_eq!(of_state(&folder.path().join("a/b")).level, there);
        assert_eq!(of_state(&file.join("below")).level, Level::Warn);
        Ok(())
    }
}
