//! The network of the story, in three namespaces:
//!
//! ```text
//!  internet            host                          container
//!  clients, attacker   home server, forwards         nginx, postfix
//!  192.0.2.1 ───────── 192.0.2.2   192.168.0.1 ───── 192.168.0.2
//!            isp0   sgPIDu            br0 ─ veth0   eth0
//! ```
//!
//! Answers to any address, the spoofed ones included, leave by the uplink.
//! `internet` drops silently what is not for an address of its own, as a
//! firewalled victim does; [`Topology::wake_victims`] gives it the addresses.

mod plan;

use std::net::Ipv4Addr;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::address::{CONTAINER, CONTAINER6, hardware};
use crate::namespace::Namespace;
use crate::{ping, wait};

/// The provider's end of the uplink, inside `internet`.
pub const PROVIDER_END: &str = "isp0";
/// The container's interface, inside `container`.
pub const CONTAINER_END: &str = "eth0";

/// The three namespaces and the name of the interface to protect.
#[derive(Debug, Clone)]
pub struct Topology {
    /// Attackers, clients, and the addresses that the attackers borrow.
    pub internet: Namespace,
    /// The home server; synguard runs here.
    pub host: Namespace,
    /// The container with the services.
    pub container: Namespace,
    /// The host's uplink, with a name of its own.
    pub uplink: String,
}

impl Topology {
    /// Builds and configures everything.
    ///
    /// # Errors
    /// Without root, or where the kernel has no veth or bridge.
    pub fn new() -> Result<Self> {
        let topology = Self {
            internet: Namespace::new("internet")?,
            host: Namespace::new("host")?,
            container: Namespace::new("container")?,
            uplink: unique_interface(),
        };
        topology
            .connect()
            .context("cannot connect the namespaces")?;
        topology.set_sysctls()?;
        topology.address()?;
        topology.wait_until_connected()?;
        Ok(topology)
    }

    /// A new bridge forwards only after the kernel has noticed that the other
    /// end of its port is up, and a new IPv6 address works a moment later.
    fn wait_until_connected(&self) -> Result<()> {
        for to in [CONTAINER.into(), CONTAINER6.into()] {
            wait::until_true("a way to the container", wait::GENEROUS, || {
                let pings = ping::run(&self.internet, to, 1, Duration::from_millis(100));
                pings.is_ok_and(|pings| !pings.times.is_empty())
            })?;
        }
        Ok(())
    }

    /// Deletes the uplink, and with it the provider's end.
    pub fn cut_uplink(&self) -> Result<()> {
        let uplink = &self.uplink;
        self.host.batch(&[format!("link delete {uplink}")])
    }

    /// Makes it again as it was.
    pub fn restore_uplink(&self) -> Result<()> {
        self.host.batch(&[self.wire()])?;
        self.host.batch(&plan::uplink(&self.uplink))?;
        self.internet.batch(&plan::provider())
    }

    /// The uplink and the provider's end.
    fn wire(&self) -> String {
        format!(
            "link add {} address {} type veth \
             peer name {PROVIDER_END} address {} netns {}",
            self.uplink,
            hardware::UPLINK,
            hardware::PROVIDER,
            self.internet.path().display(),
        )
    }

    fn connect(&self) -> Result<()> {
        let container = self.container.path();
        let container = container.display();
        self.host.batch(&[
            self.wire(),
            format!(
                "link add veth0 type veth \
                 peer name {CONTAINER_END} address {} netns {container}",
                hardware::CONTAINER
            ),
            format!("link add br0 address {} type bridge", hardware::BRIDGE),
            "link set veth0 master br0".to_owned(),
        ])
    }

    fn set_sysctls(&self) -> Result<()> {
        for namespace in [&self.internet, &self.host, &self.container] {
            // Spoofed sources are the subject here: no namespace may filter
            // them by route. Duplicate address detection would only delay.
            for scope in ["all", "default"] {
                namespace.sysctl(&format!("ipv4/conf/{scope}/rp_filter"), "0")?;
                namespace.sysctl(&format!("ipv6/conf/{scope}/accept_dad"), "0")?;
                namespace.sysctl(&format!("ipv6/conf/{scope}/accept_ra"), "0")?;
            }
        }
        self.host.sysctl("ipv4/ip_forward", "1")?;
        self.host.sysctl("ipv6/conf/all/forwarding", "1")
    }

    fn address(&self) -> Result<()> {
        self.host.batch(&plan::bridge())?;
        self.host.batch(&plan::uplink(&self.uplink))?;
        self.container.batch(&plan::container())?;
        self.internet.batch(&plan::provider())?;
        self.internet.batch(&plan::clients())
    }

    /// Gives `internet` an address of a victim, so that a real machine is
    /// behind it: it answers stray SYN-ACKs with RST, and can be connected to.
    pub fn wake_victims(&self, victims: &[Ipv4Addr]) -> Result<()> {
        let lines: Vec<String> = victims
            .iter()
            .map(|victim| format!("address add {victim}/32 dev lo"))
            .collect();
        self.internet.batch(&lines)
    }

    /// Makes the uplink as slow as a home line is outbound: `rate` as tc has
    /// it, and a buffer that takes `seconds` to drain, as the box in front of
    /// a home line has.
    pub fn slow_uplink(&self, rate: &str, seconds: u32) -> Result<()> {
        let latency = format!("{seconds}s");
        let shape = ["rate", rate, "burst", "5kb", "latency", &latency];
        let mut arguments = vec!["qdisc", "replace", "dev", &self.uplink, "root", "tbf"];
        arguments.extend(shape);
        self.host.run("tc", &arguments).map(drop)
    }

    /// Bytes now waiting in the slow uplink's buffer.
    pub fn uplink_backlog(&self) -> Result<u64> {
        let shown = self
            .host
            .run("tc", &["-s", "-j", "qdisc", "show", "dev", &self.uplink])?;
        let queues: serde_json::Value = serde_json::from_str(&shown)?;
        queues[0]["backlog"]
            .as_u64()
            .context("tc shows no backlog for the uplink")
    }
}

/// A name that no other interface on this machine has, in any namespace:
/// synguard's pins are named after it. At most 15 characters: a process id has
/// up to seven digits.
pub fn unique_interface() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("sg{}u{number}", process::id())
}
