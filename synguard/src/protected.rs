//! Addresses that this host depends on: never banned automatically, whoever
//! spoofs them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::{env, fs};

use synguard_common::abi::origin;

use crate::Result;
use crate::interface::Network;

/// Behind the stub of systemd-resolved, the resolvers stand in the second file.
const RESOLVER_FILES: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// Each protected address with its [`origin`].
pub type Protected = BTreeMap<IpAddr, u8>;

/// Finds them all. A source that cannot be read protects nothing.
///
/// # Errors
///
/// [`crate::Error::Failed`] where netlink does not answer.
pub async fn find(network: &Network) -> Result<Protected> {
    let found = [
        (origin::RESOLVER, resolvers()),
        (origin::GATEWAY, network.gateways().await?),
        (origin::SSH_PEER, ssh_peer().into_iter().collect()),
        (origin::OWN, network.addresses().await?),
    ];
    let mut protected = Protected::new();
    for (why, addresses) in found {
        for address in addresses {
            protected.insert(address.to_canonical(), why);
        }
    }
    protected.retain(|address, _| !address.is_loopback() && !address.is_unspecified());
    Ok(protected)
}

/// Why an address is protected, for people.
pub const fn reason(origin: u8) -> &'static str {
    match origin {
        origin::OWN => "this host's own address",
        origin::GATEWAY => "default gateway",
        origin::RESOLVER => "DNS resolver",
        origin::SSH_PEER => "your ssh session",
        _ => "not protected",
    }
}

fn resolvers() -> Vec<IpAddr> {
    RESOLVER_FILES
        .iter()
        .filter_map(|file| fs::read(file).ok())
        .filter_map(|text| resolv_conf::Config::parse(text).ok())
        .flat_map(|config| config.nameservers)
        .map(IpAddr::from)
        .collect()
}

/// The other end of the ssh session that this process was started from.
///
/// sudo removes the variable, so the ancestors are asked too, which root may.
pub fn ssh_peer() -> Option<IpAddr> {
    if let Ok(connection) = env::var("SSH_CONNECTION") {
        return peer_of(&connection);
    }
    ancestors().find_map(|pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        environment
            .split(|byte| *byte == 0)
            .filter_map(|entry| entry.strip_prefix(b"SSH_CONNECTION="))
            .find_map(|value| peer_of(&String::from_utf8_lossy(value)))
    })
}

fn peer_of(connection: &str) -> Option<IpAddr> {
    let address = connection.split_whitespace().next()?;
    // A link-local address carries its interface.
    address.split('%').next()?.parse().ok()
}

fn ancestors() -> impl Iterator<Item = u32> {
    std::iter::successors(parent("self"), |pid| parent(&pid.to_string()))
}

fn parent(pid: &str) -> Option<u32> {
    let status = fs::read_to_string(Path::new("/proc").join(pid).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    line.trim().parse().ok().filter(|pid| *pid != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ssh_peer_is_the_first_address() {
        for (connection, expected) in [
            ("192.0.2.7 51234 192.0.2.1 22", Some("192.0.2.7")),
            ("fe80::1%eth0 51234 fe80::2%eth0 22", Some("fe80::1")),
            ("", None),
            ("UNKNOWN", None),
        ] {
            assert_eq!(
                peer_of(connection),
                expected.map(|text| text.parse().unwrap())
            );
        }
    }

    #[test]
    fn a_process_has_ancestors() {
        assert!(ancestors().count() >= 1);
    }
}
