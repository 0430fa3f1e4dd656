//! What the kernel says about interfaces, addresses and routes (rtnetlink).

mod changes;
mod links;
mod pattern;

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::TryStreamExt as _;
use rtnetlink::packet_route::address::AddressAttribute;
use rtnetlink::packet_route::link::{
    InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage, LinkXdp, XdpAttached,
};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use rtnetlink::{Handle, RouteMessageBuilder, new_connection};

use crate::error::Context as _;
use crate::{Error, Result};

pub use changes::Links;
pub use links::Link;
pub use pattern::Pattern;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// As in `ip link`.
    pub name: String,
    /// The kernel's number for it.
    pub index: u32,
    /// Whether its frames begin with an Ethernet header.
    pub ethernet: bool,
    /// The kind of link, as in `ip link`: `ether`, `ppp`, `none`.
    pub link_layer: String,
    /// Whether it is one end of a pair of virtual interfaces.
    pub veth: bool,
    /// Whether somebody set it up: no packets come in by one that is down.
    pub up: bool,
    /// The XDP program on it, if any.
    pub xdp: Option<XdpProgram>,
}

/// An XDP program on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpProgram {
    /// As in `bpftool prog show id`.
    pub id: u32,
    /// Whether the driver runs it, and not the stack.
    pub native: bool,
}

/// Asks the kernel about the network of this namespace.
#[derive(Clone)]
pub struct Network(Handle);

impl Network {
    /// Opens the socket; within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where the kernel gives no netlink socket.
    pub fn open() -> Result<Self> {
        let (connection, handle, _) = new_connection().context("opening a netlink socket")?;
        tokio::spawn(connection);
        Ok(Self(handle))
    }

    /// Finds an interface.
    ///
    /// # Errors
    ///
    /// [`Error::Absent`] naming the interfaces that there are.
    pub async fn interface(&self, name: &str) -> Result<Interface> {
        let links = self.links().await?;
        let all: Vec<_> = links.into_iter().map(|link| link.interface).collect();
        let names: Vec<_> = all.iter().map(|interface| interface.name.clone()).collect();
        all.into_iter()
            .find(|interface| interface.name == name)
            .ok_or_else(|| {
                Error::Absent(format!(
                    "there is no interface {name}: this host has {}",
                    names.join(", ")
                ))
            })
    }

    /// The addresses of this host, on all interfaces.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where netlink does not answer.
    pub async fn addresses(&self) -> Result<Vec<IpAddr>> {
        let messages: Vec<_> = self
            .0
            .address()
            .get()
            .execute()
            .try_collect()
            .await
            .context("listing this host's addresses")?;
        let attributes = messages.into_iter().flat_map(|message| message.attributes);
        Ok(attributes.filter_map(own_address).collect())
    }

    /// The default gateways.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] where netlink does not answer.
    pub async fn gateways(&self) -> Result<Vec<IpAddr>> {
        let routes = self.default_routes().await?;
        Ok(routes.into_iter().flat_map(next_hops).collect())
    }

    async fn default_routes(&self) -> Result<Vec<RouteMessage>> {
        let v4 = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let v6 = RouteMessageBuilder::<Ipv6Addr>::new().build();
        let mut all = Vec::new();
        for query in [v4, v6] {
            let routes: Vec<RouteMessage> = self
                .0
                .route()
                .get(query)
                .execute()
                .try_collect()
                .await
                .context("listing the routes")?;
            all.extend(routes.into_iter().filter(is_default));
        }
        Ok(all)
    }
}

fn interface(link: LinkMessage) -> Interface {
    let layer = link.header.link_layer_type;
    let mut interface = Interface {
        name: String::new(),
        index: link.header.index,
        ethernet: matches!(layer, LinkLayerType::Ether | LinkLayerType::Loopback),
        link_layer: layer.to_string().to_lowercase(),
        veth: false,
        up: link.header.flags.contains(LinkFlags::Up),
        xdp: None,
    };
    for attribute in link.attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name = name,
            LinkAttribute::LinkInfo(infos) => {
                interface.veth = infos.contains(&LinkInfo::Kind(InfoKind::Veth));
            }
            LinkAttribute::Xdp(facts) => interface.xdp = xdp(&facts),
            _ => {}
        }
    }
    interface
}

fn xdp(facts: &[LinkXdp]) -> Option<XdpProgram> {
    let native = facts
        .iter()
        .any(|fact| matches!(fact, LinkXdp::Attached(XdpAttached::Driver)));
    facts.iter().find_map(|fact| match fact {
        LinkXdp::ProgId(id)
        | LinkXdp::DrvProgId(id)
        | LinkXdp::SkbProgId(id)
        | LinkXdp::HwProgId(id)
            if *id != 0 =>
        {
            Some(XdpProgram { id: *id, native })
        }
        _ => None,
    })
}

fn own_address(attribute: AddressAttribute) -> Option<IpAddr> {
    match attribute {
        // On a point-to-point link `Address` is the other end's.
        AddressAttribute::Local(address) => Some(address),
        AddressAttribute::Address(address @ IpAddr::V6(_)) => Some(address),
        _ => None,
    }
}

fn is_default(route: &RouteMessage) -> bool {
    route.header.destination_prefix_length == 0
}

fn next_hops(route: RouteMessage) -> Vec<IpAddr> {
    gateways_in(&route.attributes)
}

fn gateways_in(attributes: &[RouteAttribute]) -> Vec<IpAddr> {
    attributes
        .iter()
        .flat_map(|attribute| match attribute {
            RouteAttribute::Gateway(RouteAddress::Inet(v4)) => vec![IpAddr::V4(*v4)],
            RouteAttribute::Gateway(RouteAddress::Inet6(v6)) => vec![IpAddr::V6(*v6)],
            RouteAttribute::MultiPath(hops) => hops
                .iter()
                .flat_map(|hop| gateways_in(&hop.attributes))
                .collect(),
            _ => Vec::new(),
        })
        .collect()
}
/// Whether interfaces of VLANs stand on this one, in the network namespace of this
/// process.
pub fn has_vlans(interface: &str) -> bool {
    let config = fs::read_to_string("/proc/net/vlan/config").unwrap_or_default();
    are_vlans_on(interface, &config)
}

/// `config` is as in `net/8021q/vlanproc.c`: name, number and the interface below.
fn are_vlans_on(interface: &str, config: &str) -> bool {
    let below = config.lines().filter_map(|line| line.rsplit('|').next());
    below.map(str::trim).any(|below| below == interface)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlans_are_told_by_what_they_stand_on() {
        let config = "VLAN Dev name    | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID\n\
                      eth0.100       | 100  | eth0\n";
        for (interface, expected) in [("eth0", true), ("eth1", false), ("eth0.100", false)] {
            assert_eq!(are_vlans_on(interface, config), expected, "{interface}");
        }
        assert!(!are_vlans_on("eth0", ""));
    }
}
