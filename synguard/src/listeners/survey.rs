//! The listeners of this network namespace and of those that it is connected to.

use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rustix::fs::fstat;
use tracing::debug;

use super::addresses::{self, Links, OwnAddress};
use super::sockets::{self, Listener};
use super::sysctls::Sysctls;
use super::{buffers, ids, namespaces};
use crate::error::Context as _;
use crate::netlink::Netlink;
use crate::{Result, privileges};

/// The id of the own namespace: `BPF_F_CURRENT_NETNS` in `include/uapi/linux/bpf.h`.
pub const OWN: i32 = -1;

/// What there was to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The own namespace, then those of containers that have an interface in common with
    /// it: a veth pair, or one that stands on an interface of it, as macvlan does. Others
    /// do not get their packets by way of it, or do so behind another container.
    pub namespaces: Vec<Namespace>,
    /// The capabilities without which only the own namespace is looked into.
    pub missing: Vec<String>,
}

/// A network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// For people: its name, or that of its container, or of one of its processes.
    pub label: String,
    /// The number by which the own namespace knows it, or [`OWN`].
    pub id: i32,
    /// Its inode, which tells it from all others while it lives.
    pub inode: u64,
    /// Its settings.
    pub sysctls: Sysctls,
    /// Its addresses, but for loopback addresses, in order.
    pub addresses: Vec<OwnAddress>,
    /// Its listeners, in no order.
    pub listeners: Vec<Listener>,
}

/// What a namespace's own thread finds.
struct Inside {
    sysctls: Sysctls,
    addresses: Vec<OwnAddress>,
    listeners: Vec<Listener>,
}

/// The own namespace, as seen by the others.
struct Home {
    handle: OwnedFd,
    netlink: Netlink,
    leads_to: BTreeSet<i32>,
}

/// Looks at the calling thread's namespace and at its containers. It blocks for about
/// 0.3 ms a container and 6 µs a process of the host, and leaves neither threads nor
/// handles behind, which would keep a container's network from ending.
///
/// # Errors
///
/// [`crate::Error::Failed`] where the kernel tells nothing of the own namespace. A
/// container that cannot be looked into is left out.
pub fn survey() -> Result<Survey> {
    let mut netlink = Netlink::open(NETLINK_ROUTE).context("opening a netlink socket")?;
    let links = Links::read(&mut netlink)?;
    let inside = look(&mut netlink, &links)?;
    let handle = namespaces::own().context("opening this network namespace")?;
    let inode = fstat(&handle).context("reading its inode")?.st_ino;
    let own = Namespace::new("this host".to_owned(), OWN, inode, inside);
    let home = Home {
        handle,
        netlink,
        leads_to: links.lead_to(),
    };
    let missing = privileges::missing_to_enter()?;
    let mut namespaces = vec![own];
    if missing.is_empty() {
        namespaces.extend(containers(home)?);
    }
    share_rmem_max(&mut namespaces);
    tell_set_buffers(&mut namespaces);
    Ok(Survey {
        namespaces,
        missing,
    })
}

fn containers(mut home: Home) -> Result<Vec<Namespace>> {
    let others = namespaces::others().context("listing the network namespaces")?;
    let looked_into = others.iter().filter_map(|other| {
        home.visit(other).unwrap_or_else(|error| {
            debug!("namespace {}: {error}", other.label());
            None
        })
    });
    Ok(looked_into.collect())
}

impl Home {
    /// None where it is not connected to this one.
    fn visit(&mut self, other: &namespaces::Found) -> Result<Option<Namespace>> {
        let handle = other.open().context("opening it")?;
        let known = ids::get(&mut self.netlink, handle.as_fd()).context("asking for its id")?;
        let below = known.is_some_and(|id| self.leads_to.contains(&id));
        let home = self.handle.as_fd();
        let inside = namespaces::inside(handle.as_fd(), || look_from(home, below));
        let Some(inside) = inside.context("entering it")?? else {
            return Ok(None);
        };
        let id = ids::get_or_assign(&mut self.netlink, handle.as_fd());
        let id = id.context("giving it an id")?;
        Ok(id.map(|id| Namespace::new(other.label(), id, other.inode(), inside)))
    }
}

impl Namespace {
    fn new(label: String, id: i32, inode: u64, inside: Inside) -> Self {
        Self {
            label,
            id,
            inode,
            sysctls: inside.sysctls,
            addresses: inside.addresses,
            listeners: inside.listeners,
        }
    }
}

/// Looks at the calling thread's namespace if it is connected to `home`: because that has
/// an interface to it, or it has one to that.
fn look_from(home: BorrowedFd<'_>, below: bool) -> Result<Option<Inside>> {
    let mut netlink = Netlink::open(NETLINK_ROUTE).context("opening a netlink socket")?;
    let links = Links::read(&mut netlink)?;
    let connected = below || {
        let id = ids::get(&mut netlink, home).context("asking for an id")?;
        id.is_some_and(|id| links.lead_to().contains(&id))
    };
    if connected {
        look(&mut netlink, &links).map(Some)
    } else {
        Ok(None)
    }
}

fn look(netlink: &mut Netlink, links: &Links) -> Result<Inside> {
    Ok(Inside {
        sysctls: Sysctls::read(),
        addresses: addresses::read(netlink, links)?,
        listeners: sockets::read()?,
    })
}

/// The limit is one for the whole kernel, but not every namespace shows it.
fn share_rmem_max(namespaces: &mut [Namespace]) {
    let all = namespaces.iter().map(|one| one.sysctls.rmem_max);
    let shown = all.max().unwrap_or(0);
    for namespace in namespaces {
        namespace.sysctls.rmem_max = shown;
    }
}

/// Any buffer but the default was set. Of a default one its holder has to be asked:
/// 64 KiB, which many programs ask for, are just that once the kernel has doubled them.
fn tell_set_buffers(namespaces: &mut [Namespace]) {
    let default = |namespace: &Namespace, listener: &Listener| {
        (listener.rcvbuf == namespace.sysctls.rcvbuf).then_some(listener.inode)
    };
    let of = |namespace: &Namespace| -> Vec<_> {
        let listeners = namespace.listeners.iter();
        listeners
            .filter_map(|listener| default(namespace, listener))
            .collect()
    };
    let unclear = namespaces.iter().flat_map(of).collect();
    let set = buffers::set_by_programs(unclear);
    for namespace in namespaces {
        for listener in &mut namespace.listeners {
            listener.rcvbuf_is_set =
                listener.rcvbuf != namespace.sysctls.rcvbuf || set.contains(&listener.inode);
        }
    }
}
