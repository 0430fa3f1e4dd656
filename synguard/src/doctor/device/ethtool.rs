//! What `ethtool` shows of a driver, by the ioctl that needs no privilege.

use std::ffi::CStr;
use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::net::{AddressFamily, SocketType, socket};

use super::Channels;

/// `include/uapi/linux/ethtool.h`.
const GDRVINFO: u32 = 0x03;
const GFLAGS: u32 = 0x25;
const GCHANNELS: u32 = 0x3c;
/// Of GFLAGS (`enum ethtool_flags`).
const RX_VLAN: u32 = 1 << 8;
const LRO: u32 = 1 << 15;

/// `struct ethtool_drvinfo`.
#[repr(C)]
struct DriverInfo {
    command: u32,
    driver: [u8; 32],
    rest: [u8; 160],
}

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// `struct ethtool_channels`.
#[repr(C)]
struct ChannelsInfo {
    command: u32,
    max_rx: u32,
    max_tx: u32,
    max_other: u32,
    max_combined: u32,
    rx: u32,
    tx: u32,
    other: u32,
    combined: u32,
}

/// What is done to packets before XDP sees them.
pub(super) struct Offloads {
    pub(super) lro: bool,
    pub(super) rx_vlan: bool,
}

/// Asks about one interface.
pub(super) struct Ethtool {
    socket: OwnedFd,
    name: [libc::c_char; libc::IFNAMSIZ],
}

impl Ethtool {
    /// For this interface of the calling thread's network namespace.
    pub(super) fn open(interface: &str) -> io::Result<Self> {
        let mut name = [0; libc::IFNAMSIZ];
        // The last byte stays: it ends the name.
        let room = name.len() - 1;
        for (place, byte) in name[..room].iter_mut().zip(interface.bytes()) {
            *place = byte.cast_signed() as libc::c_char;
        }
        let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
        Ok(Self { socket, name })
    }

    /// The driver's name.
    pub(super) fn driver(&self) -> Option<String> {
        let info = DriverInfo {
            command: GDRVINFO,
            driver: [0; 32],
            rest: [0; 160],
        };
        let info = self.ask(info)?;
        let name = CStr::from_bytes_until_nul(&info.driver).ok()?;
        Some(name.to_string_lossy().into_owned()).filter(|name| !name.is_empty())
    }

    pub(super) fn offloads(&self) -> Option<Offloads> {
        let flags = self.ask(Value {
            command: GFLAGS,
            data: 0,
        })?;
        Some(Offloads {
            lro: flags.data & LRO != 0,
            rx_vlan: flags.data & RX_VLAN != 0,
        })
    }

    /// Nothing where the driver tells none.
    pub(super) fn channels(&self) -> Option<Channels> {
        // SAFETY: the structure is of integers alone: all zero is a value of it.
        let empty: ChannelsInfo = unsafe { zeroed() };
        let info = self.ask(ChannelsInfo {
            command: GCHANNELS,
            ..empty
        })?;
        Some(Channels {
            receive: info.rx + info.combined,
            max_receive: if info.combined == 0 {
                info.max_rx
            } else {
                info.max_combined
            },
            combined: info.combined,
            max_combined: info.max_combined,
        })
    }

    /// `question` is one of the structures above, which begin with their command.
    fn ask<T>(&self, mut question: T) -> Option<T> {
        // SAFETY: the structure is of integers and of a union of such and of pointers:
        // all zero is a value of it.
        let mut request: libc::ifreq = unsafe { zeroed() };
        request.ifr_name = self.name;
        request.ifr_ifru.ifru_data = (&raw mut question).cast();
        // SAFETY: the kernel reads a name that ends with a zero, and writes no more than
        // the structure of the command, which `question` is; both outlive the call.
        let outcome = unsafe {
            libc::ioctl(
                self.socket.as_raw_fd(),
                libc::SIOCETHTOOL as _,
                &raw mut request,
            )
        };
        (outcome == 0).then_some(question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_as_long_as_the_kernels() {
        assert_eq!(size_of::<DriverInfo>(), 196);
        assert_eq!(size_of::<Value>(), 8);
        assert_eq!(size_of::<ChannelsInfo>(), 36);
    }

    #[test]
    fn the_loopback_interface_tells_its_offloads_but_no_queues() {
        let lo = Ethtool::open("lo").unwrap();
        let offloads = lo.offloads().unwrap();
        assert!(!offloads.lro && !offloads.rx_vlan);
        assert!(lo.channels().is_none());
        assert!(Ethtool::open("nosuch0").unwrap().offloads().is_none());
    }
}
