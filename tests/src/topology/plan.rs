//! Addresses, neighbours and routes, as lines for `ip -batch`.

use std::net::IpAddr;

use crate::address::hardware::{self, Hardware};
use crate::address::{
    BRIDGE, BRIDGE6, CLIENTS, CONTAINER, CONTAINER6, GATEWAY, GATEWAY6, HOST, HOST6, RESOLVER,
    client, client6,
};

use super::{CONTAINER_END, PROVIDER_END};

pub(super) fn uplink(uplink: &str) -> Vec<String> {
    [
        format!("address add {HOST}/24 dev {uplink}"),
        format!("address add {HOST6}/64 dev {uplink} nodad"),
        format!("link set {uplink} up"),
        neighbour(GATEWAY, hardware::PROVIDER, uplink),
        neighbour(GATEWAY6, hardware::PROVIDER, uplink),
        format!("route add default via {GATEWAY}"),
        format!("route add default via {GATEWAY6}"),
    ]
    .into()
}

pub(super) fn bridge() -> Vec<String> {
    [
        format!("address add {BRIDGE}/24 dev br0"),
        format!("address add {BRIDGE6}/64 dev br0 nodad"),
        "link set veth0 up".to_owned(),
        "link set br0 up".to_owned(),
        neighbour(CONTAINER, hardware::CONTAINER, "br0"),
        neighbour(CONTAINER6, hardware::CONTAINER, "br0"),
    ]
    .into()
}

pub(super) fn container() -> Vec<String> {
    [
        format!("address add {CONTAINER}/24 dev {CONTAINER_END}"),
        format!("address add {CONTAINER6}/64 dev {CONTAINER_END} nodad"),
        format!("link set {CONTAINER_END} up"),
        neighbour(BRIDGE, hardware::BRIDGE, CONTAINER_END),
        neighbour(BRIDGE6, hardware::BRIDGE, CONTAINER_END),
        format!("route add default via {BRIDGE}"),
        format!("route add default via {BRIDGE6}"),
    ]
    .into()
}

pub(super) fn provider() -> Vec<String> {
    vec![
        format!("address add {GATEWAY}/24 dev {PROVIDER_END}"),
        format!("address add {RESOLVER}/24 dev {PROVIDER_END}"),
        format!("address add {GATEWAY6}/64 dev {PROVIDER_END} nodad"),
        format!("link set {PROVIDER_END} up"),
        neighbour(HOST, hardware::UPLINK, PROVIDER_END),
        neighbour(HOST6, hardware::UPLINK, PROVIDER_END),
        format!("route add 192.168.0.0/24 via {HOST}"),
        format!("route add 2001:db8:2::/64 via {HOST6}"),
    ]
}

pub(super) fn clients() -> Vec<String> {
    // All newcomers at once.
    let mut lines = vec!["route add local 198.19.0.0/16 dev lo".to_owned()];
    for number in 0..usize::from(CLIENTS) {
        lines.push(format!("address add {}/32 dev lo", client(number)));
        lines.push(format!("address add {}/128 dev lo nodad", client6(number)));
    }
    lines
}

/// Known from the start: the first packets of a flood would otherwise be lost
/// while they wait for an answer to ARP.
fn neighbour(address: impl Into<IpAddr>, hardware: Hardware, interface: &str) -> String {
    let address = address.into();
    format!("neighbour add {address} lladdr {hardware} dev {interface} nud permanent")
}
