//! What packets from outside can be for.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::OwnAddress;
use super::sockets::Listener;
use super::survey::{Namespace, OWN, Survey};
use super::sysctls::Sysctls;

/// An IP and a TCP header without options.
const HEADERS_V4: u32 = 40;
const HEADERS_V6: u32 = 60;
/// What any host takes (RFC 9293 section 3.7.1).
const LEAST_MSS: u32 = 536;

/// An address and a port that somebody listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'survey> {
    /// No loopback address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The id of the listener's namespace, or [`OWN`].
    pub namespace: i32,
    /// The window shift that a cookie's reply may promise: [`Sysctls::shift`].
    pub shift: u32,
    /// The largest segment that it takes, in bytes: its MTU without headers (RFC 6691).
    pub mss: u32,
    /// The settings of the listener's namespace.
    pub sysctls: &'survey Sysctls,
}

/// All endpoints, by address and port. Where several listeners share one (SO_REUSEPORT),
/// it promises what each of them can keep.
///
/// Left out are those whose address is [`ambiguous`], and containers' listeners that are
/// bound to an interface: the lookup from outside does not find them.
pub fn endpoints(survey: &Survey) -> Vec<Endpoint<'_>> {
    let holders = holders(survey);
    let mut endpoints = BTreeMap::new();
    for namespace in &survey.namespaces {
        let own = namespace.addresses.iter();
        for own in own.filter(|own| belongs(&holders, namespace, own.address)) {
            for listener in of(namespace, own) {
                join(&mut endpoints, endpoint(namespace, own, listener));
            }
        }
    }
    endpoints.into_values().collect()
}

/// The addresses that several containers have, with the containers: whose a packet is,
/// nobody can tell from here. What the own namespace has is its own, since its routing
/// looks there first.
pub fn ambiguous(survey: &Survey) -> BTreeMap<IpAddr, Vec<&Namespace>> {
    let mut holders = holders(survey);
    holders.retain(|_, namespaces| namespaces.len() > 1 && namespaces[0].id != OWN);
    holders
}

/// Who has each address, the own namespace first.
fn holders(survey: &Survey) -> BTreeMap<IpAddr, Vec<&Namespace>> {
    let mut holders: BTreeMap<_, Vec<&Namespace>> = BTreeMap::new();
    for namespace in &survey.namespaces {
        for own in &namespace.addresses {
            let holders = holders.entry(own.address).or_default();
            if holders.last().is_none_or(|last| last.id != namespace.id) {
                holders.push(namespace);
            }
        }
    }
    holders
}

fn belongs(
    holders: &BTreeMap<IpAddr, Vec<&Namespace>>,
    namespace: &Namespace,
    address: IpAddr,
) -> bool {
    let holders = holders.get(&address).map_or(&[][..], Vec::as_slice);
    match holders {
        [first, ..] if first.id == OWN => namespace.id == OWN,
        [only] => only.id == namespace.id,
        _ => false,
    }
}

/// The namespace's listeners that take connections to this address of it.
fn of<'survey>(
    namespace: &'survey Namespace,
    own: &OwnAddress,
) -> impl Iterator<Item = &'survey Listener> {
    namespace.listeners.iter().filter(move |listener| {
        let reached = match listener.interface {
            Some(interface) => namespace.id == OWN && interface == own.interface,
            None => true,
        };
        reached && listener.takes(own.address)
    })
}

fn endpoint<'survey>(
    namespace: &'survey Namespace,
    own: &OwnAddress,
    listener: &Listener,
) -> Endpoint<'survey> {
    Endpoint {
        address: own.address,
        port: listener.port,
        namespace: namespace.id,
        shift: namespace
            .sysctls
            .shift(listener.rcvbuf, listener.rcvbuf_is_set),
        mss: mss(own),
        sysctls: &namespace.sysctls,
    }
}

fn mss(own: &OwnAddress) -> u32 {
    let headers = if own.address.is_ipv4() {
        HEADERS_V4
    } else {
        HEADERS_V6
    };
    let mss = own.mtu.saturating_sub(headers);
    mss.clamp(LEAST_MSS, u32::from(u16::MAX))
}

fn join<'survey>(
    endpoints: &mut BTreeMap<(IpAddr, u16), Endpoint<'survey>>,
    found: Endpoint<'survey>,
) {
    endpoints
        .entry((found.address, found.port))
        .and_modify(|known| {
            known.shift = known.shift.min(found.shift);
            known.mss = known.mss.min(found.mss);
        })
        .or_insert(found);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSCTLS: Sysctls = Sysctls {
        syncookies: 2,
        timestamps: 2,
        sack: 1,
        window_scaling: 1,
        ecn: 2,
        rcvbuf: 131_072,
        rcvbuf_max: 6_291_456,
        rmem_max: 212_992,
        window_share: 0,
    };

    fn listener(address: &str, port: u16) -> Listener {
        Listener {
            address: address.parse().unwrap(),
            port,
            v6_only: false,
            interface: None,
            rcvbuf: SYSCTLS.rcvbuf,
            rcvbuf_is_set: false,
            inode: 0,
        }
    }

    fn namespace(id: i32, addresses: &[(&str, u32, u32)], listeners: &[Listener]) -> Namespace {
        let own = |(address, interface, mtu): &(&str, u32, u32)| OwnAddress {
            address: address.parse().unwrap(),
            interface: *interface,
            mtu: *mtu,
        };
        Namespace {
            label: format!("namespace {id}"),
            id,
            inode: 0,
            sysctls: SYSCTLS,
            addresses: addresses.iter().map(own).collect(),
            listeners: listeners.to_vec(),
        }
    }

    /// `address port namespace shift mss` for each.
    fn shown(namespaces: &[Namespace]) -> Vec<String> {
        let survey = survey(namespaces);
        let line = |one: &Endpoint<'_>| {
            let Endpoint {
                address,
                port,
                namespace,
                shift,
                mss,
                ..
            } = one;
            format!("{address} {port} {namespace} {shift} {mss}")
        };
        endpoints(&survey).iter().map(line).collect()
    }

    fn survey(namespaces: &[Namespace]) -> Survey {
        Survey {
            namespaces: namespaces.to_vec(),
            missing: Vec::new(),
        }
    }

    #[test]
    fn who_listens_on_all_addresses_listens_on_each() {
        let addresses = [("192.0.2.1", 2, 1_500), ("2001:db8::1", 3, 9_000)];
        let v4 = "192.0.2.1 80 -1 7 1460";
        let v6 = "2001:db8::1 80 -1 7 8940";
        for (address, v6_only, expected) in [
            ("0.0.0.0", false, vec![v4]),
            ("::", false, vec![v4, v6]),
            ("::", true, vec![v6]),
            ("192.0.2.1", false, vec![v4]),
            ("127.0.0.1", false, vec![]),
            ("198.51.100.1", false, vec![]),
        ] {
            let listener = Listener {
                v6_only,
                ..listener(address, 80)
            };
            let own = namespace(OWN, &addresses, &[listener]);
            assert_eq!(shown(&[own]), expected, "{address}, {v6_only}");
        }
    }

    #[test]
    fn an_mss_is_never_too_small_for_a_host_nor_too_large_for_its_field() {
        for (address, mtu, mss) in [
            ("192.0.2.1", 1_500, 1_460),
            ("2001:db8::1", 1_280, 1_220),
            ("192.0.2.1", 68, 536),
            ("192.0.2.1", u32::MAX, 65_535),
        ] {
            let own = OwnAddress {
                address: address.parse().unwrap(),
                interface: 2,
                mtu,
            };
            assert_eq!(super::mss(&own), mss, "{address}, {mtu}");
        }
    }

    #[test]
    fn who_shares_an_endpoint_promises_what_each_can_keep() {
        let small = Listener {
            rcvbuf: 8_192,
            rcvbuf_is_set: true,
            ..listener("192.0.2.1", 80)
        };
        let addresses = [("192.0.2.1", 2, 1_500), ("192.0.2.1", 3, 1_420)];
        for listeners in [[listener("::", 80), small], [small, listener("::", 80)]] {
            let own = namespace(OWN, &addresses, &listeners);
            assert_eq!(shown(&[own]), ["192.0.2.1 80 -1 0 1380"]);
        }
    }

    #[test]
    fn who_is_bound_to_an_interface_listens_on_its_addresses() {
        let addresses = [("192.0.2.1", 2, 1_500), ("192.0.2.2", 3, 1_500)];
        let bound = Listener {
            interface: Some(3),
            ..listener("0.0.0.0", 80)
        };
        let own = namespace(OWN, &addresses, &[bound]);
        assert_eq!(shown(&[own]), ["192.0.2.2 80 -1 7 1460"]);
        let container = namespace(4, &addresses, &[bound]);
        assert_eq!(shown(&[container]), [""; 0]);
    }

    #[test]
    fn an_address_of_two_containers_is_named_and_left_out() {
        let (shared, ours) = (("192.0.2.1", 2, 1_500), ("192.0.2.2", 2, 1_500));
        let listeners = [listener("0.0.0.0", 80)];
        let namespaces = [
            namespace(OWN, &[ours], &[]),
            namespace(4, &[shared, ours], &listeners),
            namespace(5, &[shared, ("192.0.2.5", 2, 1_500)], &listeners),
        ];
        assert_eq!(shown(&namespaces), ["192.0.2.5 80 5 7 1460"]);
        let survey = survey(&namespaces);
        let ambiguous = ambiguous(&survey);
        let named: Vec<_> = ambiguous
            .iter()
            .map(|(address, holders)| (address.to_string(), holders.iter().map(|one| one.id)))
            .map(|(address, ids)| (address, ids.collect::<Vec<_>>()))
            .collect();
        assert_eq!(named, [("192.0.2.1".to_owned(), vec![4, 5])]);
    }
}
