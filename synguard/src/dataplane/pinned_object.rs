//! Pinned objects by file descriptor, of whatever kind they are
//! (`include/uapi/linux/bpf.h`). aya opens only what it knows the kind of, and does not
//! detach a link.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

const OBJ_PIN: libc::c_long = 6;
const OBJ_GET: libc::c_long = 7;
const LINK_DETACH: libc::c_long = 34;

/// `struct { /* anonymous struct used by BPF_OBJ_* commands */ }` of `union bpf_attr`.
#[repr(C)]
struct Object {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

/// `struct { /* struct used by BPF_LINK_DETACH command */ }`.
#[repr(C)]
struct Detach {
    link_fd: u32,
}

/// Opens what is pinned at `path`.
pub(super) fn open(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut object = Object {
        pathname: path.as_ptr().addr() as u64,
        bpf_fd: 0,
        file_flags: 0,
    };
    // SAFETY: the path is a string that lives until the call is over.
    let fd = unsafe { call(OBJ_GET, &mut object) }?;
    let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Pins it at `path`, where nothing is yet.
pub(super) fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut attributes = Object {
        pathname: path.as_ptr().addr() as u64,
        bpf_fd: number(object),
        file_flags: 0,
    };
    // SAFETY: the path is a string that lives until the call is over.
    unsafe { call(OBJ_PIN, &mut attributes) }.map(drop)
}

/// Takes a link's program off at once, whoever else holds the link.
pub(super) fn detach(link: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = Detach {
        link_fd: number(link),
    };
    // SAFETY: the attributes hold no pointer.
    unsafe { call(LINK_DETACH, &mut attributes) }.map(drop)
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    u32::try_from(fd.as_raw_fd()).unwrap_or(u32::MAX)
}

/// # Safety
///
/// What the attributes point to is as the command wants it.
pub(super) unsafe fn call<T>(
    command: libc::c_long,
    attributes: &mut T,
) -> io::Result<libc::c_long> {
    // SAFETY: the caller's promise.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attributes),
            size_of::<T>(),
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
