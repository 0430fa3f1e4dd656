//! The addresses of a network namespace, with the MTU of the interface that has them,
//! and the namespaces that its interfaces lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::link::{LinkAttribute, LinkExtentMask, LinkFlags, LinkMessage};

use crate::Result;
use crate::error::Context as _;
use crate::netlink::Netlink;

/// Ethernet's, where the kernel tells none.
const USUAL_MTU: u32 = 1500;

/// An address that packets from outside can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnAddress {
    /// No loopback address (`127.0.0.0/8`, `::1`).
    pub address: IpAddr,
    /// The number of the interface that has it.
    pub interface: u32,
    /// That interface's, in bytes. For an address on the loopback interface, the smallest
    /// of the other interfaces: its packets come and go by one of them.
    pub mtu: u32,
}

/// An interface, as far as addresses depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    mtu: u32,
    loopback: bool,
    /// The id of the namespace that its other end, or what it stands on, is in.
    leads_to: Option<i32>,
}

/// The interfaces of a namespace by their numbers.
pub(super) struct Links(BTreeMap<u32, Link>);

impl Links {
    /// Those of the namespace of this socket.
    pub fn read(netlink: &mut Netlink) -> Result<Self> {
        let mut request = LinkMessage::default();
        request.attributes = vec![LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])];
        let answers = netlink
            .dump(RouteNetlinkMessage::GetLink(request))
            .context("listing a namespace's interfaces")?;
        let links = answers.into_iter().filter_map(|answer| match answer {
            RouteNetlinkMessage::NewLink(link) => Some((link.header.index, Link::from(&link))),
            _ => None,
        });
        Ok(Self(links.collect()))
    }

    /// The ids by which this namespace knows those that its interfaces lead to.
    pub fn lead_to(&self) -> BTreeSet<i32> {
        self.0.values().filter_map(|link| link.leads_to).collect()
    }

    fn mtu(&self, interface: u32) -> u32 {
        let link = self.0.get(&interface).filter(|link| !link.loopback);
        let others = self.0.values().filter(|link| !link.loopback);
        link.map(|link| link.mtu)
            .or_else(|| others.map(|link| link.mtu).min())
            .unwrap_or(USUAL_MTU)
    }
}

impl From<&LinkMessage> for Link {
    fn from(message: &LinkMessage) -> Self {
        let mut link = Self {
            mtu: USUAL_MTU,
            loopback: message.header.flags.contains(LinkFlags::Loopback),
            leads_to: None,
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
                LinkAttribute::LinkNetNsId(id) => link.leads_to = Some(*id),
                _ => {}
            }
        }
        link
    }
}

/// The addresses of the namespace of this socket.
pub(super) fn read(netlink: &mut Netlink, links: &Links) -> Result<Vec<OwnAddress>> {
    let answers = netlink
        .dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))
        .context("listing a namespace's addresses")?;
    let mut addresses: Vec<_> = answers
        .into_iter()
        .filter_map(|answer| match answer {
            RouteNetlinkMessage::NewAddress(message) => own(message, links),
            _ => None,
        })
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

fn own(message: AddressMessage, links: &Links) -> Option<OwnAddress> {
    let interface = message.header.index;
    let address = address(&message.attributes)?;
    (!address.is_loopback()).then(|| OwnAddress {
        address,
        interface,
        mtu: links.mtu(interface),
    })
}

/// Where there is another end, `Address` is that one's.
fn address(attributes: &[AddressAttribute]) -> Option<IpAddr> {
    let local = attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    local.or_else(|| {
        attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use AddressAttribute::{Address, Local};

    fn links() -> Links {
        let link = |mtu, loopback| Link {
            mtu,
            loopback,
            leads_to: None,
        };
        Links(
            [
                (1, link(65_536, true)),
                (2, link(9_000, false)),
                (3, link(1_420, false)),
            ]
            .into(),
        )
    }

    #[test]
    fn a_loopback_interface_borrows_the_smallest_mtu() {
        for (interface, mtu) in [(1, 1_420), (2, 9_000), (3, 1_420), (4, 1_420)] {
            assert_eq!(links().mtu(interface), mtu, "{interface}");
        }
        assert_eq!(Links(BTreeMap::new()).mtu(1), USUAL_MTU);
    }

    #[test]
    fn the_other_ends_address_and_loopback_are_not_ours() {
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        let (v4, v6) = (ip("192.0.2.1"), ip("2001:db8::1"));
        for (attributes, expected) in [
            (vec![Address(ip("192.0.2.2")), Local(v4)], Some(v4)),
            (vec![Local(v6), Address(ip("2001:db8::2"))], Some(v6)),
            (vec![Address(v6)], Some(v6)),
            (vec![Address(ip("127.0.0.2")), Local(ip("127.0.0.2"))], None),
            (vec![Address(ip("::1"))], None),
            (vec![], None),
        ] {
            let mut message = AddressMessage::default();
            message.header.index = 2;
            message.attributes = attributes.clone();
            let found = own(message, &links()).map(|own| own.address);
            assert_eq!(found, expected, "{attributes:?}");
        }
    }

    #[test]
    fn the_kernel_lists_the_loopback_interface() {
        let mut netlink = Netlink::open(rtnetlink::sys::protocols::NETLINK_ROUTE).unwrap();
        let links = Links::read(&mut netlink).unwrap();
        assert!(links.0[&1].loopback);
        let addresses = read(&mut netlink, &links).unwrap();
        assert!(addresses.iter().all(|own| !own.address.is_loopback()));
    }
}
