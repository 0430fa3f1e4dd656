//! Somebody else's XDP program on the interface: the smallest there is, made
//! and attached by two system calls, and gone when the guard is dropped.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::net::{AddressFamily, SocketType, netdevice};

use crate::namespace::Namespace;

/// The name that the kernel shows for the program.
pub const NAME: &str = "somebody_elses";

const PROG_LOAD: libc::c_long = 5;
const OBJ_GET: libc::c_long = 7;
const LINK_CREATE: libc::c_long = 28;
const LINK_DETACH: libc::c_long = 34;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_TYPE_XDP: u32 = 37;
const GENERIC_MODE: u32 = 2;

/// `r0 = XDP_PASS; exit`.
const PASS: [u64; 2] = [0x0000_0002_0000_00b7, 0x0000_0000_0000_0095];

/// The beginning of the kernel's `union bpf_attr` for loading a program.
#[repr(C)]
#[derive(Default)]
struct LoadRequest {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    expected_attach_type: u32,
}

/// The same for attaching it.
#[repr(C)]
struct LinkRequest {
    program: u32,
    interface: u32,
    attach_type: u32,
    flags: u32,
}

/// The same for opening a pin.
#[repr(C)]
#[derive(Default)]
struct ObjectRequest {
    path: u64,
    descriptor: u32,
    flags: u32,
}

/// The same for detaching a link.
#[repr(C)]
struct DetachRequest {
    link: u32,
}

/// An attached program that passes everything.
#[derive(Debug)]
pub struct ForeignProgram {
    // The kernel detaches it when this is closed.
    _link: OwnedFd,
    /// Its id, as `bpftool prog show` has it.
    pub id: u64,
}

impl ForeignProgram {
    /// Attaches it in generic mode.
    pub fn attach(namespace: &Namespace, interface: &str) -> Result<Self> {
        let program = load().context("cannot load the foreign program")?;
        let link = namespace
            .inside(|| link(&program, interface))?
            .context("cannot attach the foreign program")?;
        Ok(Self {
            _link: link,
            id: attached_id(namespace, interface)?.context("not attached after all")?,
        })
    }
}

/// The id of the XDP program on an interface, whoever attached it.
pub fn attached_id(namespace: &Namespace, interface: &str) -> Result<Option<u64>> {
    let shown = namespace.run("ip", &["-json", "link", "show", "dev", interface])?;
    let links: serde_json::Value = serde_json::from_str(&shown)?;
    Ok(links[0]["xdp"]["prog"]["id"].as_u64())
}

/// Takes the filter off that a pinned link holds, past its owner: `bpftool link detach`.
pub fn detach_link(pin: &Path) -> Result<()> {
    let path = CString::new(pin.as_os_str().as_bytes())?;
    let get = ObjectRequest {
        path: path.as_ptr() as u64,
        ..ObjectRequest::default()
    };
    let link = bpf(OBJ_GET, &get).with_context(|| format!("cannot open {}", pin.display()))?;
    let detach = DetachRequest {
        link: link.as_raw_fd().cast_unsigned(),
    };
    call(LINK_DETACH, &detach)
        .map(drop)
        .context("cannot detach the link")
}

fn load() -> io::Result<OwnedFd> {
    let license = c"GPL";
    let mut request = LoadRequest {
        kind: PROG_TYPE_XDP,
        instruction_count: PASS.len() as u32,
        instructions: PASS.as_ptr() as u64,
        license: license.as_ptr() as u64,
        expected_attach_type: ATTACH_TYPE_XDP,
        ..LoadRequest::default()
    };
    for (place, byte) in request.name.iter_mut().zip(NAME.bytes()) {
        *place = byte;
    }
    bpf(PROG_LOAD, &request)
}

fn link(program: &OwnedFd, interface: &str) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    let request = LinkRequest {
        program: program.as_raw_fd().cast_unsigned(),
        interface: netdevice::name_to_index(&socket, interface)?,
        attach_type: ATTACH_TYPE_XDP,
        flags: GENERIC_MODE,
    };
    bpf(LINK_CREATE, &request)
}

/// A command that returns a new descriptor.
fn bpf<Request>(command: libc::c_long, request: &Request) -> io::Result<OwnedFd> {
    let descriptor = call(command, request)?;
    // SAFETY: the kernel has just made this descriptor for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn call<Request>(command: libc::c_long, request: &Request) -> io::Result<i32> {
    // SAFETY: the pointer and the size describe `request`, a prefix of the
    // kernel's `union bpf_attr`; what it points to lives through the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(request),
            size_of::<Request>(),
        )
    };
    match i32::try_from(result).map_err(io::Error::other)? {
        result if result < 0 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}
