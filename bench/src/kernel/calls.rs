//! Calls of bpf(2) that aya has only for programs that it loaded itself.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::time::Duration;

const MAP_UPDATE_ELEM: libc::c_long = 2;
const PROG_TEST_RUN: libc::c_long = 10;
const PROG_GET_FD_BY_ID: libc::c_long = 13;
const LINK_CREATE: libc::c_long = 28;
const ATTACH_TYPE_XDP: u32 = 37;
/// `XDP_FLAGS_DRV_MODE` in `include/uapi/linux/if_link.h`.
const NATIVE_MODE: u32 = 1 << 2;
/// The frames leave by the program's verdict, instead of just being looked at.
const LIVE_FRAMES: u32 = 1 << 1;

/// What a program decided: `enum xdp_action` in `include/uapi/linux/bpf.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Drop,
    Pass,
    SendBack,
    Other(u32),
}

impl From<u32> for Action {
    fn from(value: u32) -> Self {
        match value {
            1 => Self::Drop,
            2 => Self::Pass,
            3 => Self::SendBack,
            other => Self::Other(other),
        }
    }
}

/// What came of a test run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// For each repetition, in whole nanoseconds as the kernel gives it.
    pub each: Duration,
    /// What the last repetition decided.
    pub action: Action,
}

/// The beginning of the kernel's `union bpf_attr` for a test run.
#[repr(C)]
#[derive(Default)]
struct TestRun {
    program: u32,
    action: u32,
    size_in: u32,
    size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    context_size_in: u32,
    context_size_out: u32,
    context_in: u64,
    context_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    padding: u32,
}

/// The same for an entry of a map.
#[repr(C)]
struct Update {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// The same for a program's id.
#[repr(C)]
struct ById {
    id: u32,
    next: u32,
    flags: u32,
}

/// The same for attaching a program.
#[repr(C)]
struct Link {
    program: u32,
    interface: u32,
    attach_type: u32,
    flags: u32,
}

/// Runs a program on one frame, `repeat` times: what it writes into the frame,
/// the next repetition reads.
pub fn test_run(program: BorrowedFd<'_>, frame: &[u8], repeat: u32) -> io::Result<Run> {
    let mut request = request(program, frame, repeat);
    bpf(PROG_TEST_RUN, &mut request)?;
    Ok(Run {
        each: Duration::from_nanos(u64::from(request.duration)),
        action: request.action.into(),
    })
}

/// Sends `repeat` frames as `program` redirects them, in the calling thread's
/// namespace and on its processor, which does nothing else meanwhile but between
/// batches of `batch` frames.
pub fn send(program: BorrowedFd<'_>, frame: &[u8], repeat: u32, batch: u32) -> io::Result<()> {
    let mut request = request(program, frame, repeat);
    request.flags = LIVE_FRAMES;
    request.batch_size = batch;
    bpf(PROG_TEST_RUN, &mut request).map(drop)
}

fn request(program: BorrowedFd<'_>, frame: &[u8], repeat: u32) -> TestRun {
    TestRun {
        program: number(program),
        size_in: u32::try_from(frame.len()).unwrap_or(0),
        data_in: frame.as_ptr() as u64,
        repeat,
        ..TestRun::default()
    }
}

/// Opens a loaded program, whoever loaded it.
pub fn program_by_id(id: u32) -> io::Result<OwnedFd> {
    let mut request = ById {
        id,
        next: 0,
        flags: 0,
    };
    let descriptor = bpf(PROG_GET_FD_BY_ID, &mut request)?;
    // SAFETY: the kernel has just made this descriptor for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Attaches a loaded program in native mode to the interface with this index in the
/// calling thread's namespace, until what is returned is dropped.
pub fn attach_native(program: BorrowedFd<'_>, interface: u32) -> io::Result<OwnedFd> {
    let mut request = Link {
        program: number(program),
        interface,
        attach_type: ATTACH_TYPE_XDP,
        flags: NATIVE_MODE,
    };
    let descriptor = bpf(LINK_CREATE, &mut request)?;
    // SAFETY: the kernel has just made this descriptor for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Puts a program into the first place of a program array.
pub(super) fn set_program(array: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let (key, value) = (0_u32, number(program));
    let mut request = Update {
        map: number(array),
        padding: 0,
        key: (&raw const key) as u64,
        value: (&raw const value) as u64,
        flags: 0,
    };
    bpf(MAP_UPDATE_ELEM, &mut request).map(drop)
}

fn number(descriptor: BorrowedFd<'_>) -> u32 {
    descriptor.as_raw_fd().cast_unsigned()
}

fn bpf<Request>(command: libc::c_long, request: &mut Request) -> io::Result<i32> {
    // SAFETY: the pointer and the size describe `request`, a prefix of the
    // kernel's `union bpf_attr`; all buffers that it points to outlive the call
    // and are as long as it says.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(request),
            size_of::<Request>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    i32::try_from(result).map_err(io::Error::other)
}
