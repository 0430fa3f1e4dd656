//! A thread without root's privileges: what is read from the network needs none.
//!
//! The kernel keeps credentials for each thread (credentials(7)), so the others keep
//! theirs.

use caps::CapSet;
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

/// `nobody` and `nogroup`, whom nothing belongs to; what the kernel shows for owners that a
/// namespace does not know (`overflowuid`).
const NOBODY: u32 = 65_534;

/// Gives up, for good and for this thread, and those that it starts, what it does
/// not need to ask questions.
///
/// # Errors
///
/// Where the kernel refuses.
pub(super) fn give_up_privileges() -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("cannot give up privileges: {error}");
    if geteuid().is_root() {
        become_nobody().map_err(|error| failed(&error))?;
    }
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        caps::clear(None, set).map_err(|error| failed(&error))?;
    }
    set_no_new_privs(true).map_err(|error| failed(&error))
}

fn become_nobody() -> rustix::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use super::*;

    fn status(field: &str) -> String {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        line.unwrap().trim().to_owned()
    }

    #[test]
    fn one_thread_gives_up_and_the_others_keep_theirs() {
        let before = (status("Uid:"), status("CapEff:"));
        let inside = thread::spawn(|| {
            give_up_privileges().unwrap();
            (
                status("Uid:"),
                status("CapEff:"),
                status("CapPrm:"),
                geteuid(),
            )
        });
        let (_, effective, permitted, user) = inside.join().unwrap();
        let none = "0000000000000000";
        assert_eq!((effective.as_str(), permitted.as_str()), (none, none));
        assert!(!user.is_root());
        assert_eq!((status("Uid:"), status("CapEff:")), before);
    }
}
