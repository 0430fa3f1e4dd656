//! New clients whose SYNs the network card answers, and a server that never sees
//! them.

mod captured;
mod connections;
mod firewalls;
mod flood;
mod known_clients;
mod lease;
mod limits;
mod links;
mod listeners;
mod options;
mod sysctls;
mod talk;
mod unusual_syns;
mod veth;

use std::net::IpAddr;

use anyhow::{Context, Result};
use synguard_tests::address::{CONTAINER, CONTAINER6, client, client6};
use synguard_tests::controller::Controller;
use synguard_tests::download::Download;
use synguard_tests::lab::Lab;
use synguard_tests::namespace::Namespace;
use synguard_tests::services::Services;
use synguard_tests::synguard::Synguard;
use synguard_tests::topology::CONTAINER_END;
use synguard_tests::wait;

use crate::support::number;

/// In either family. Who has connected once is not challenged again.
const CLIENTS: usize = 4;
const QUICK: &str = "1G";
/// Slow enough to be looked at while it is under way, however slow the looking is.
const SLOW: &str = "50K";

/// With them, answers are as good as the kernel's.
const READY: &[(&str, &str)] = &[("tcp_syncookies", "2"), ("tcp_timestamps", "2")];

/// Where the filter is.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Where the server runs.
    Server,
    /// On the host's uplink, with the server behind a bridge.
    Uplink,
}

/// The lab with a filter.
struct Scene {
    controller: Controller,
    synguard: Synguard,
    lab: Lab,
}

impl Scene {
    /// A filter that has just been attached, with sysctls of the server's namespace set
    /// before.
    fn attached(place: Place, sysctls: &[(&str, &str)], arguments: &[&str]) -> Result<Self> {
        let lab = Lab::new()?;
        let container = &lab.topology.container;
        for (key, value) in sysctls {
            container.sysctl(&format!("ipv4/{key}"), value)?;
        }
        let synguard = match place {
            Place::Server => lab.synguard.inside(container, CONTAINER_END),
            Place::Uplink => lab.synguard.on(&lab.topology.uplink),
        };
        let controller = synguard.attach(arguments)?;
        Ok(Self {
            controller,
            synguard,
            lab,
        })
    }

    /// One that challenges all new clients.
    fn challenging(place: Place, sysctls: &[(&str, &str)]) -> Result<Self> {
        let scene = Self::attached(place, sysctls, &["--challenge", "always"])?;
        scene.controller.wait_for("challenging new clients")?;
        Ok(scene)
    }

    fn services(&self) -> Result<&Services> {
        self.lab.services.as_ref().context("no services")
    }

    fn download(&self, number: usize, limit: &str) -> Result<[Download; 2]> {
        let internet = &self.lab.topology.internet;
        let start = |client, server| Download::start(internet, client, server, limit);
        Ok([
            start(client(number).into(), CONTAINER.into())?,
            start(client6(number).into(), CONTAINER6.into())?,
        ])
    }

    fn all_download(&self) -> Result<()> {
        for number in 0..CLIENTS {
            for download in self.download(number, QUICK)? {
                download.finish(self.services()?)?;
            }
        }
        Ok(())
    }

    fn answered(&self) -> Result<u64> {
        number(&self.synguard.status()?, "/challenge/answered")
    }

    /// The sysctls for cookies and for timestamps where the server runs.
    fn sysctls(&self) -> Result<[String; 2]> {
        sysctls_of(&self.lab.topology.container)
    }
}

fn sysctls_of(namespace: &Namespace) -> Result<[String; 2]> {
    Ok([
        namespace.read_sysctl("ipv4/tcp_syncookies")?,
        namespace.read_sysctl("ipv4/tcp_timestamps")?,
    ])
}

/// What `ss` says of the connection between these two, once it is there.
fn connection(namespace: &Namespace, from: IpAddr, to: IpAddr) -> Result<String> {
    let [from, to] = [from, to].map(bracketed);
    wait::until("an open connection", wait::GENEROUS, || {
        let filter = ["-tionH", "state", "established", "src", &from, "dst", &to];
        let shown = namespace.run("ss", &filter).ok()?;
        shown.contains("wscale:").then_some(shown)
    })
}

/// A colon would begin a port.
fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// By how much windows are shifted: those that it sends by, and that it receives by.
fn shifts(shown: &str) -> Result<(u32, u32)> {
    let pair = shown.split("wscale:").nth(1).context("no window scale")?;
    let pair = pair.split_whitespace().next().unwrap_or_default();
    let (sends, receives) = pair.split_once(',').context("two shifts")?;
    Ok((sends.parse()?, receives.parse()?))
}
