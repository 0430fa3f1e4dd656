//! Taking a filter off its interface while its link stays pinned: BPF_LINK_DETACH
//! (`include/uapi/linux/bpf.h`, from Linux 5.9 on), which aya does not have.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::pins::Pins;
use crate::Result;
use crate::error::Context as _;

const OBJ_GET: libc::c_long = 7;
const LINK_DETACH: libc::c_long = 34;

/// `struct { /* anonymous struct used by BPF_OBJ_* commands */ }` of `union bpf_attr`.
#[repr(C)]
struct ObjectRequest {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

/// `struct { … } link_detach` of the same.
#[repr(C)]
struct DetachRequest {
    link_fd: u32,
}

/// Takes the filter off whatever interface its link holds, in whatever network namespace
/// that is now. A link whose interface was deleted holds nothing, which is fine.
pub(super) fn sever(pins: &Pins) -> Result<()> {
    open(&pins.link())
        .and_then(|link| {
            let request = DetachRequest {
                link_fd: link.as_raw_fd().cast_unsigned(),
            };
            // SAFETY: the request is the beginning of the kernel's attributes and points
            // to nothing.
            unsafe { call(LINK_DETACH, &request) }.map(drop)
        })
        .context("taking the filter off the interface that is gone")
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let request = ObjectRequest {
        pathname: path.as_ptr().addr() as u64,
        bpf_fd: 0,
        file_flags: 0,
    };
    // SAFETY: the request is the beginning of the kernel's attributes; the path ends
    // with a NUL and lives through the call.
    let fd = unsafe { call(OBJ_GET, &request) }?;
    // SAFETY: the kernel just made it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// # Safety
///
/// The request is the beginning of `union bpf_attr`, and what it points to lives.
unsafe fn call<T>(command: libc::c_long, request: &T) -> io::Result<i32> {
    let request: *const T = request;
    // SAFETY: the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, request, size_of::<T>()) };
    match i32::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}
