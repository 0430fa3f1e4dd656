//! One end of a wire for IP packets: a TUN device in a namespace, whose other
//! side is a file descriptor. Unlike a veth it completes all checksums.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result};

use crate::namespace::Namespace;

/// Room for bursts: beyond the usual 500 the device loses packets.
const QUEUE: u32 = 10_000;

/// The device goes when this is dropped.
#[derive(Debug)]
pub struct Tunnel(File);

impl Tunnel {
    /// Makes a device of this name and brings it up.
    pub fn new(namespace: &Namespace, name: &CStr) -> Result<Self> {
        let shown = name.to_string_lossy();
        let file = namespace
            .inside(|| open(name))?
            .with_context(|| format!("cannot make the TUN device {shown}"))?;
        namespace.batch(&[format!("link set {shown} txqueuelen {QUEUE} up")])?;
        Ok(Self(file))
    }

    /// The next packet that the namespace sent, if there is one.
    pub fn receive<'buffer>(
        &mut self,
        buffer: &'buffer mut [u8],
    ) -> io::Result<Option<&'buffer [u8]>> {
        match self.0.read(buffer) {
            Ok(length) => Ok(buffer.get(..length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Hands the namespace a packet.
    pub fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        self.0.write_all(packet)
    }

    /// The same device, for another thread.
    pub fn share(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }
}

impl AsFd for Tunnel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn open(name: &CStr) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")?;
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short,
        },
    };
    for (place, byte) in request.ifr_name.iter_mut().zip(name.to_bytes_with_nul()) {
        *place = byte.cast_signed();
    }
    // SAFETY: the pointer is to a complete `ifreq`, which is what TUNSETIFF
    // reads and writes, and which lives through the call.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    if result == 0 {
        Ok(file)
    } else {
        Err(io::Error::last_os_error())
    }
}
