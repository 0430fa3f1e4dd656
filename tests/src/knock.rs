//! Connections that are opened, completed and closed at once, as fast as they
//! go: a legitimate client in a hurry.

use std::io;
use std::net::SocketAddrV4;

use anyhow::{Context, Result};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::address::{CONTAINER, client};
use crate::topology::Topology;

/// Opens and closes `count` connections to nginx, one after the other, from
/// the client with this number. Gives `count`.
///
/// # Errors
/// When one of them is not accepted.
pub fn knock(topology: &Topology, number: usize, count: u64) -> Result<u64> {
    let from = SocketAddrV4::new(client(number), 0);
    let to = SocketAddrV4::new(CONTAINER, 80);
    let work = || (0..count).try_for_each(|_| connect(from, to));
    topology
        .internet
        .inside(work)?
        .with_context(|| format!("no connection from {from}"))?;
    Ok(count)
}

fn connect(from: SocketAddrV4, to: SocketAddrV4) -> io::Result<()> {
    let (family, flags) = (AddressFamily::INET, SocketFlags::CLOEXEC);
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &from)?;
    rustix::net::connect(&socket, &to)?;
    Ok(())
}
