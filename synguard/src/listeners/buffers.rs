//! Whether a program set the receive buffer of a socket (SO_RCVBUF). The kernel tells
//! only who holds the socket, so this borrows it for a moment.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

/// `include/uapi/asm-generic/socket.h`, from Linux 5.15 on.
const SO_BUF_LOCK: libc::c_int = 72;
/// `include/uapi/linux/socket.h`.
const SOCK_RCVBUF_LOCK: libc::c_int = 2;

/// Those of these sockets, by their inodes, whose receive buffer a program set.
///
/// It looks through the descriptors of all processes until each is found. A socket whose
/// process this one may not look into, and all on kernels that do not tell, count as not
/// set.
pub(super) fn set_by_programs(mut wanted: BTreeSet<u32>) -> BTreeSet<u32> {
    let mut set = BTreeSet::new();
    for process in numbers("/proc").filter_map(Pid::from_raw) {
        if wanted.is_empty() {
            break;
        }
        let folder = format!("/proc/{}/fd", process.as_raw_nonzero());
        for descriptor in numbers(&folder) {
            let link = fs::read_link(format!("{folder}/{descriptor}"));
            let inode = link.ok().and_then(|link| socket(link.to_str()?));
            let Some(inode) = inode.filter(|inode| wanted.remove(inode)) else {
                continue;
            };
            if borrow(process, descriptor).is_ok_and(|socket| is_set(&socket)) {
                set.insert(inode);
            }
        }
    }
    set
}

/// The names in a folder that are numbers; none where it cannot be read.
fn numbers(folder: &str) -> impl Iterator<Item = i32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The inode in `socket:[4026]`.
fn socket(link: &str) -> Option<u32> {
    let inode = link.strip_prefix("socket:[")?.strip_suffix(']')?;
    inode.parse().ok()
}

fn borrow(process: Pid, descriptor: RawFd) -> io::Result<OwnedFd> {
    let process = pidfd_open(process, PidfdFlags::empty())?;
    Ok(pidfd_getfd(process, descriptor, PidfdGetfdFlags::empty())?)
}

fn is_set(socket: &OwnedFd) -> bool {
    let mut locks: libc::c_int = 0;
    let mut len = size_of_val(&locks) as libc::socklen_t;
    // SAFETY: the pointer and the length describe `locks`, which the kernel fills and
    // which lives through the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_BUF_LOCK,
            (&raw mut locks).cast(),
            &raw mut len,
        )
    };
    result == 0 && locks & SOCK_RCVBUF_LOCK != 0
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rustix::fs::fstat;
    use rustix::net::sockopt::{set_socket_recv_buffer_size, socket_recv_buffer_size};

    use super::*;

    #[test]
    fn the_inode_is_in_the_link() {
        assert_eq!(socket("socket:[4026]"), Some(4026));
        for other in ["pipe:[4026]", "/dev/null", "socket:[]", "socket:[4026"] {
            assert_eq!(socket(other), None, "{other}");
        }
    }

    /// Even where it is what it was before.
    #[test]
    fn the_kernel_tells_which_was_set() {
        let [set, unset] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let half = socket_recv_buffer_size(&set).unwrap() / 2;
        set_socket_recv_buffer_size(&set, half).unwrap();
        let inode = |listener| u32::try_from(fstat(listener).unwrap().st_ino).unwrap();
        let (set, unset) = (inode(&set), inode(&unset));
        let found = set_by_programs([set, unset].into());
        assert_eq!(found, [set].into());
    }
}
