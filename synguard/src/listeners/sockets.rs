//! The TCP listeners of a network namespace, by sock_diag(7).

use std::net::IpAddr;

use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags,
};
use netlink_packet_sock_diag::{AF_INET, AF_INET6, IPPROTO_TCP, SockDiagMessage};
use rtnetlink::sys::protocols::NETLINK_SOCK_DIAG;

use crate::Result;
use crate::error::Context as _;
use crate::netlink::Netlink;

/// A TCP socket that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// The address that it is bound to, or that of all (`0.0.0.0`, `::`). An IPv4 address
    /// of an IPv6 socket (`::ffff:192.0.2.1`) is that IPv4 address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// Whether `::` means IPv6 alone (IPV6_V6ONLY).
    pub v6_only: bool,
    /// The number of the only interface that it listens on (SO_BINDTODEVICE).
    pub interface: Option<u32>,
    /// Its receive buffer, in bytes: `sk_rcvbuf`, twice what a program gave SO_RCVBUF.
    pub rcvbuf: u32,
    /// Whether a program gave it that. Told only by [`super::survey()`].
    pub rcvbuf_is_set: bool,
    /// What tells it from all other sockets while it lives.
    pub inode: u32,
}

impl Listener {
    /// Whether connections to this address are its.
    pub fn takes(&self, address: IpAddr) -> bool {
        match self.address {
            IpAddr::V6(own) if own.is_unspecified() => address.is_ipv6() || !self.v6_only,
            IpAddr::V4(own) if own.is_unspecified() => address.is_ipv4(),
            own => own == address,
        }
    }
}

/// The listeners of the calling thread's namespace.
///
/// # Errors
///
/// [`crate::Error::Failed`] where the kernel does not list sockets.
pub fn read() -> Result<Vec<Listener>> {
    let what = "listing the TCP listeners (the kernel's module tcp_diag)";
    let mut netlink = Netlink::open(NETLINK_SOCK_DIAG).context(what)?;
    let mut listeners = Vec::new();
    for (family, any) in [
        (AF_INET, SocketId::new_v4()),
        (AF_INET6, SocketId::new_v6()),
    ] {
        let request = SockDiagMessage::InetRequest(InetRequest {
            family,
            protocol: IPPROTO_TCP,
            extensions: ExtensionFlags::SKMEMINFO,
            states: StateFlags::LISTEN,
            socket_id: any,
        });
        let answers = netlink.dump(request).context(what)?;
        listeners.extend(answers.into_iter().filter_map(|answer| match answer {
            SockDiagMessage::InetResponse(response) => Some(listener(&response)),
            _ => None,
        }));
    }
    Ok(listeners)
}

/// What is not told counts as what promises least.
fn listener(response: &InetResponse) -> Listener {
    let id = &response.header.socket_id;
    let mut listener = Listener {
        address: id.source_address.to_canonical(),
        port: id.source_port,
        v6_only: false,
        interface: Some(id.interface_id).filter(|interface| *interface != 0),
        rcvbuf: 0,
        rcvbuf_is_set: false,
        inode: response.header.inode,
    };
    for fact in &response.nlas {
        match fact {
            Nla::MemInfo(memory) => listener.rcvbuf = memory.receive_queue_max,
            Nla::SkV6Only(only) => listener.v6_only = *only,
            _ => {}
        }
    }
    listener
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_takes_what_its_address_says() {
        for (bound, v6_only, v4, v6) in [
            ("0.0.0.0", false, true, false),
            ("::", false, true, true),
            ("::", true, false, true),
            ("192.0.2.1", false, true, false),
            ("192.0.2.2", false, false, false),
            ("2001:db8::1", true, false, true),
            ("2001:db8::2", false, false, false),
        ] {
            let listener = Listener {
                address: bound.parse().unwrap(),
                port: 80,
                v6_only,
                interface: None,
                rcvbuf: 0,
                rcvbuf_is_set: false,
                inode: 0,
            };
            let takes = |address: &str| listener.takes(address.parse().unwrap());
            let taken = (takes("192.0.2.1"), takes("2001:db8::1"));
            assert_eq!(taken, (v4, v6), "{bound}, {v6_only}");
        }
    }

    #[test]
    fn the_kernel_lists_what_listens() {
        let open = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = open.local_addr().unwrap();
        let listed = read().unwrap();
        let found = listed
            .iter()
            .find(|listener| (listener.address, listener.port) == (address.ip(), address.port()));
        let found = found.expect("it is listed");
        assert!(found.rcvbuf > 0 && found.interface.is_none(), "{found:?}");
    }
}
