//! Questions to the kernel, one after the other, in the network namespace of the
//! calling thread: what runs on a thread that ends at once has no use for tokio.

use std::io;
use std::time::Duration;

use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable,
};
use rtnetlink::sys::{Socket, SocketAddr};
use rustix::net::sockopt::{Timeout, set_socket_timeout};

/// The kernel answers at once. Only what is broken lets this pass.
const PATIENCE: Duration = Duration::from_secs(2);
/// The kernel puts no more than 32 KiB of a dump into a datagram
/// (`netlink_dump` in `net/netlink/af_netlink.c`).
const DATAGRAM: usize = 64 * 1024;

/// A netlink socket, which stays in the namespace in which it was opened.
pub(crate) struct Netlink {
    socket: Socket,
    datagram: Vec<u8>,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket of this protocol, as in `rtnetlink::sys::protocols`.
    ///
    /// # Errors
    ///
    /// Where the kernel gives none.
    pub fn open(protocol: isize) -> io::Result<Self> {
        let socket = Socket::new(protocol)?;
        socket.connect(&SocketAddr::new(0, 0))?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self {
            socket,
            datagram: vec![0; DATAGRAM],
            sequence: 0,
        })
    }

    /// Asks for all there is of a kind.
    ///
    /// # Errors
    ///
    /// What the kernel objects to; `WouldBlock` where it does not answer.
    pub fn dump<M>(&mut self, request: M) -> io::Result<Vec<M>>
    where
        M: NetlinkSerializable + NetlinkDeserializable,
    {
        self.ask(request, NLM_F_DUMP)
    }

    /// Asks for one thing, or for one to be done.
    ///
    /// # Errors
    ///
    /// As for [`Self::dump`].
    pub fn call<M>(&mut self, request: M) -> io::Result<Option<M>>
    where
        M: NetlinkSerializable + NetlinkDeserializable,
    {
        Ok(self.ask(request, NLM_F_ACK)?.pop())
    }

    fn ask<M>(&mut self, request: M, flags: u16) -> io::Result<Vec<M>>
    where
        M: NetlinkSerializable + NetlinkDeserializable,
    {
        self.sequence += 1;
        self.socket
            .send(&written(request, flags, self.sequence), 0)?;
        let mut answers = Vec::new();
        loop {
            let length = self.receive()?;
            if self.take(length, &mut answers)? {
                return Ok(answers);
            }
        }
    }

    fn receive(&mut self) -> io::Result<usize> {
        let length = self
            .socket
            .recv(&mut self.datagram.as_mut_slice(), libc::MSG_TRUNC)?;
        if length > self.datagram.len() {
            return Err(odd("the kernel's answer is too long"));
        }
        Ok(length)
    }

    /// Adds the answers in a datagram; true after the last of all.
    fn take<M>(&self, length: usize, answers: &mut Vec<M>) -> io::Result<bool>
    where
        M: NetlinkDeserializable,
    {
        let mut rest = &self.datagram[..length];
        while !rest.is_empty() {
            let message = NetlinkMessage::<M>::deserialize(rest).map_err(odd)?;
            let (header, payload) = message.into_parts();
            rest = rest.get(aligned(&header)..).unwrap_or_default();
            if header.sequence_number != self.sequence {
                continue;
            }
            match payload {
                NetlinkPayload::InnerMessage(answer) => answers.push(answer),
                NetlinkPayload::Done(_) => return Ok(true),
                NetlinkPayload::Error(error) if error.code.is_none() => return Ok(true),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
        }
        Ok(false)
    }
}

fn written<M: NetlinkSerializable>(request: M, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Messages begin at multiples of four bytes (`NLMSG_ALIGN`).
fn aligned(header: &NetlinkHeader) -> usize {
    usize::try_from(header.length).map_or(usize::MAX, |length| length.next_multiple_of(4))
}

fn odd(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}
