//! How interfaces stand on, below and beside each other, and which leads to the Internet.

use futures_util::TryStreamExt as _;
use rtnetlink::packet_route::link::{LinkAttribute, LinkInfo, LinkMessage};
use rtnetlink::packet_route::route::{RouteAttribute, RouteHeader, RouteMessage, RouteType};

use super::{Interface, Network, interface};
use crate::Result;
use crate::error::Context as _;

/// An interface and its relations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The interface itself.
    pub interface: Interface,
    /// As in `ip -d link`: `bridge`, `bond`, `vlan`, `veth`; none for hardware.
    pub kind: Option<String>,
    /// In bytes, without the Ethernet header.
    pub mtu: u32,
    /// The number of the bridge or bond that it is a member of.
    pub master: Option<u32>,
    /// The number of the interface that it stands on, or of its other end.
    pub below: Option<u32>,
}

impl Network {
    /// All interfaces.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where netlink does not answer.
    pub async fn links(&self) -> Result<Vec<Link>> {
        let links: Vec<LinkMessage> = self
            .0
            .link()
            .get()
            .execute()
            .try_collect()
            .await
            .context("listing the interfaces")?;
        Ok(links.into_iter().map(link).collect())
    }

    /// The numbers of the interfaces that default routes leave by, the preferred first.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where netlink does not answer.
    pub async fn uplinks(&self) -> Result<Vec<u32>> {
        Ok(by_preference(&self.default_routes().await?))
    }
}

fn link(message: LinkMessage) -> Link {
    let mut kind = None;
    let (mut mtu, mut master, mut below) = (0, None, None);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::LinkInfo(infos) => {
                kind = infos.iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
            }
            LinkAttribute::Mtu(bytes) => mtu = *bytes,
            LinkAttribute::Controller(index) => master = Some(*index),
            LinkAttribute::Link(index) => below = Some(*index),
            _ => {}
        }
    }
    Link {
        interface: interface(message),
        kind,
        mtu,
        master,
        below,
    }
}

/// By the metric, which is the better the lower it is; each interface once.
fn by_preference(routes: &[RouteMessage]) -> Vec<u32> {
    let mut found: Vec<_> = routes
        .iter()
        .filter(|route| route.header.kind == RouteType::Unicast)
        .filter(|route| route.header.table == RouteHeader::RT_TABLE_MAIN)
        .flat_map(|route| {
            let metric = metric(&route.attributes);
            leaving_by(&route.attributes)
                .into_iter()
                .map(move |index| (metric, index))
        })
        .collect();
    found.sort_by_key(|(metric, _)| *metric);
    let mut uplinks = Vec::new();
    for (_, index) in found {
        if !uplinks.contains(&index) {
            uplinks.push(index);
        }
    }
    uplinks
}

fn metric(attributes: &[RouteAttribute]) -> u32 {
    let mut attributes = attributes.iter();
    let metric = attributes.find_map(|attribute| match attribute {
        RouteAttribute::Priority(metric) => Some(*metric),
        _ => None,
    });
    metric.unwrap_or(0)
}

fn leaving_by(attributes: &[RouteAttribute]) -> Vec<u32> {
    let interfaces = attributes.iter().flat_map(|attribute| match attribute {
        RouteAttribute::Oif(index) => vec![*index],
        RouteAttribute::MultiPath(hops) => hops.iter().map(|hop| hop.interface_index).collect(),
        _ => Vec::new(),
    });
    interfaces.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(table: u8, index: u32, metric: u32) -> RouteMessage {
        let mut route = RouteMessage::default();
        route.header.kind = RouteType::Unicast;
        route.header.table = table;
        route.attributes = vec![RouteAttribute::Oif(index), RouteAttribute::Priority(metric)];
        route
    }

    #[test]
    fn the_preferred_default_route_comes_first() {
        let main = RouteHeader::RT_TABLE_MAIN;
        let routes = [
            route(main, 2, 600),
            route(main, 3, 100),
            route(main, 2, 1024),
            route(100, 4, 0),
        ];
        assert_eq!(by_preference(&routes), [3, 2]);
    }
}
