//! A raw packet socket on one interface of one namespace: whole Ethernet
//! frames out and in, VLAN tags as they are.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};
use rustix::net::sockopt::{Timeout, set_socket_recv_buffer_size_force, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};

use crate::namespace::Namespace;

/// Room for bursts while the reading thread does not get the processor.
const RECEIVE_BUFFER: usize = 64 << 20;

/// The socket; it stays in its namespace whatever thread uses it.
#[derive(Debug)]
pub struct PacketSocket(OwnedFd);

impl PacketSocket {
    /// A socket that only sends.
    pub fn sender(namespace: &Namespace, interface: &str) -> Result<Self> {
        let socket = Self::open(namespace, interface, 0)?;
        socket.bypass_queue()?;
        Ok(socket)
    }

    /// What is sent goes straight to the driver.
    fn bypass_queue(&self) -> io::Result<()> {
        let on: libc::c_int = 1;
        // SAFETY: the pointer and the length describe `on`, which the kernel reads.
        let result = unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_QDISC_BYPASS,
                (&raw const on).cast(),
                size_of_val(&on) as libc::socklen_t,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// A socket that gets every frame the interface sends or receives. When
    /// this returns, the kernel is already collecting.
    pub fn receiver(namespace: &Namespace, interface: &str) -> Result<Self> {
        let socket = Self::open(namespace, interface, libc::ETH_P_ALL as u16)?;
        set_socket_recv_buffer_size_force(&socket.0, RECEIVE_BUFFER)?;
        let patience = Some(Duration::from_millis(20));
        set_socket_timeout(&socket.0, Timeout::Recv, patience)?;
        Ok(socket)
    }

    fn open(namespace: &Namespace, interface: &str, protocol: u16) -> Result<Self> {
        let open = || -> io::Result<OwnedFd> {
            // Protocol 0 first: nothing is collected before the bind says where.
            let socket = rustix::net::socket_with(
                AddressFamily::PACKET,
                SocketType::RAW,
                SocketFlags::CLOEXEC,
                None,
            )?;
            let index = rustix::net::netdevice::name_to_index(socket.as_fd(), interface)?;
            rustix::net::bind(&socket, &LinkAddress::new(index, protocol))?;
            Ok(socket)
        };
        let socket = namespace.inside(open)?;
        let socket = socket.with_context(|| format!("packet socket on {interface}"))?;
        Ok(Self(socket))
    }

    /// Sends several frames with few system calls, and gives how many of them
    /// the interface took: it has no room for more than it can pass on.
    pub fn send_all(&self, frames: &[Vec<u8>]) -> io::Result<u64> {
        let mut parts: Vec<_> = frames.iter().map(|frame| part(frame)).collect();
        let mut messages: Vec<_> = parts.iter_mut().map(message).collect();
        let (mut next, mut taken) = (0, 0);
        while let Some(rest) = messages.get_mut(next..).filter(|rest| !rest.is_empty()) {
            match self.send_messages(rest) {
                Ok(count) => {
                    taken += count as u64;
                    next += count;
                }
                // The first of them was lost.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => next += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    fn send_messages(&self, messages: &mut [libc::mmsghdr]) -> io::Result<usize> {
        let count = messages.len() as libc::c_uint;
        // SAFETY: the pointer and the length describe `messages`, each of which
        // points to one part, and that to a frame; all live through the call.
        let sent = unsafe { libc::sendmmsg(self.0.as_raw_fd(), messages.as_mut_ptr(), count, 0) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    /// Receives one frame, or `None` when none came for a moment.
    pub fn receive<'buffer>(&self, buffer: &'buffer mut [u8]) -> io::Result<Option<&'buffer [u8]>> {
        self.receive_with(buffer, RecvFlags::empty())
    }

    /// Receives one frame that has already come, or `None` when there is none.
    pub fn receive_queued<'buffer>(
        &self,
        buffer: &'buffer mut [u8],
    ) -> io::Result<Option<&'buffer [u8]>> {
        self.receive_with(buffer, RecvFlags::DONTWAIT)
    }

    fn receive_with<'buffer>(
        &self,
        buffer: &'buffer mut [u8],
        flags: RecvFlags,
    ) -> io::Result<Option<&'buffer [u8]>> {
        match rustix::net::recv(&self.0, &mut *buffer, flags) {
            Ok((length, _)) => Ok(buffer.get(..length)),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// How many frames the kernel could not keep for us since the last call.
    pub fn lost(&self) -> io::Result<u32> {
        let mut statistics = libc::tpacket_stats {
            tp_packets: 0,
            tp_drops: 0,
        };
        let mut length = size_of_val(&statistics) as libc::socklen_t;
        // SAFETY: the pointer and the length describe `statistics`, which the
        // kernel fills and which lives through the call.
        let result = unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        if result == 0 {
            Ok(statistics.tp_drops)
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

/// The kernel does not write to what is sent.
fn part(frame: &[u8]) -> libc::iovec {
    libc::iovec {
        iov_base: frame.as_ptr().cast_mut().cast(),
        iov_len: frame.len(),
    }
}

fn message(part: &mut libc::iovec) -> libc::mmsghdr {
    // SAFETY: all zeros is a message without address, parts and control data.
    let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
    message.msg_hdr.msg_iov = part;
    message.msg_hdr.msg_iovlen = 1;
    message
}

struct LinkAddress(libc::sockaddr_ll);

impl LinkAddress {
    fn new(interface: u32, protocol: u16) -> Self {
        Self(libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: protocol.to_be(),
            sll_ifindex: interface.cast_signed(),
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        })
    }
}

// SAFETY: the pointer and the length describe a complete `sockaddr_ll`, which
// is what the kernel takes for an AF_PACKET socket, and it lives as long as
// the closure runs.
unsafe impl SocketAddrArg for LinkAddress {
    unsafe fn with_sockaddr<R>(
        &self,
        f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R,
    ) -> R {
        let address = &raw const self.0;
        f(address.cast(), size_of_val(&self.0) as SocketAddrLen)
    }
}
