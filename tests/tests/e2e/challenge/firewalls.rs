//! Packet filters that ask what connection tracking knows of a client. It does not see
//! the SYN of who was challenged, and takes the ACK for the first packet.
//!
//! Where a client would hang then, the kernel goes on answering.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use synguard_tests::address::{CONTAINER, HOST, newcomer};
use synguard_tests::clients;
use synguard_tests::namespace::Namespace;
use synguard_tests::tally::Request;
use synguard_tests::tcp::{self, Counter, Options};

use super::{Place, READY, Scene};
use crate::support::wait_for_status;

/// More than a starved machine needs, and less than what shows that a client hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const CLIENTS: u16 = 4;

/// What most write.
const USUAL: &str = "
    ct state established,related accept
    tcp dport { 25, 80, 443 } accept
";
/// What some add since Netfilter picks up connections in their midst.
const STRICT: &str = "
    ct state new tcp flags & (fin|syn|rst|ack) != syn drop
    ct state established,related accept
    tcp dport { 25, 80, 443 } accept
";
/// The same by other means, with `nf_conntrack_tcp_loose=0`.
const INVALID: &str = "
    ct state invalid drop
    ct state established,related accept
    tcp dport { 25, 80, 443 } accept
";
/// Who leaves the port out of connection tracking.
const NOTRACK: &str = "
    tcp dport 80 accept
    ct state new tcp flags & (fin|syn|rst|ack) != syn drop
    ct state established,related accept
";

/// Rules for all that comes to a namespace, or through it.
fn filter(namespace: &Namespace, place: Place, rules: &str) -> Result<()> {
    let hook = match place {
        Place::Server => "input",
        Place::Uplink => "forward",
    };
    nft(
        namespace,
        &format!(
            "table inet guard {{ chain {hook} {{
                type filter hook {hook} priority filter; policy drop;
                iif lo accept
                meta l4proto {{ icmp, ipv6-icmp }} accept
                {rules}
            }}
            }}"
        ),
    )
}

fn nft(namespace: &Namespace, rules: &str) -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), format!("{rules}\n"))?;
    let path = file.path().to_string_lossy();
    namespace.run("nft", &["-f", &path]).map(drop)
}

fn loose(namespace: &Namespace, value: &str) -> Result<()> {
    namespace.sysctl("netfilter/nf_conntrack_tcp_loose", value)
}

/// The namespace in which a server's administrator writes rules.
fn guarded(scene: &Scene, place: Place) -> &Namespace {
    match place {
        Place::Server => &scene.lab.topology.container,
        Place::Uplink => &scene.lab.topology.host,
    }
}

/// Whether new clients are served at `place`, which they were not before.
fn serve(scene: &Scene, from: u16, to: SocketAddr) -> Result<()> {
    for number in from..from + CLIENTS {
        let client = IpAddr::from(newcomer(number));
        let (internet, url) = (&scene.lab.topology.internet, format!("http://{to}/"));
        let answer = clients::fetch(internet, client, Request::Http, &url, PATIENCE)?;
        ensure!(answer.success, "client {number}: {}", answer.detail);
    }
    Ok(())
}

fn web() -> SocketAddr {
    (CONTAINER, 80).into()
}

/// Rules set, without SynGuard, with clients that are served; then with challenges. The
/// sysctls are ready, so that the rules alone decide.
fn challenged_behind(
    place: Place,
    to: SocketAddr,
    prepare: impl FnOnce(&Scene) -> Result<()>,
) -> Result<Scene> {
    let mut scene = Scene::attached(place, READY, &["--challenge", "off"])?;
    let uplink = scene.synguard.uplink.clone();
    scene.synguard.succeed(&["detach", &uplink])?;
    prepare(&scene)?;
    serve(&scene, 0, to).context("without challenges")?;
    scene.controller = scene.synguard.attach(&["--challenge", "always"])?;
    wait_for_status(&scene.synguard, "a survey of listeners", |status| {
        let listeners = status["challenge"]["listeners"].as_array();
        Ok(listeners.is_some_and(|listeners| !listeners.is_empty()))
    })?;
    Ok(scene)
}

/// Clients are served, and SYNs to there are left to the kernel for this reason.
fn left_to_the_kernel(scene: &Scene, to: SocketAddr, why: &str) -> Result<()> {
    serve(scene, 100, to).context("with challenges")?;
    let status = scene.synguard.status()?;
    let listeners = status["challenge"]["listeners"].as_array();
    let name = to.to_string();
    let mut listeners = listeners.context("no list")?.iter();
    let listener = listeners.find(|one| one["address"] == *name);
    let listener = listener.with_context(|| format!("no {to}: {status:#}"))?;
    ensure!(listener["hindrance"] == why, "{listener:#}");
    let text = scene.synguard.succeed(&["status"])?.stdout;
    ensure!(text.contains("left to the kernel"), "{text}");
    ensure!(scene.controller.text().contains("left to the kernel"));
    Ok(())
}

fn both_places(case: impl Fn(Place) -> Result<()>) -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        case(place).with_context(|| format!("{place:?}"))?;
    }
    Ok(())
}

#[test]
fn the_usual_stateful_rules_let_clients_in() -> Result<()> {
    both_places(|place| {
        let scene = challenged_behind(place, web(), |scene| {
            let own = guarded(scene, place);
            if matches!(place, Place::Uplink) {
                // The way back.
                return filter(
                    own,
                    place,
                    &format!("{USUAL}\n ip saddr {CONTAINER} accept"),
                );
            }
            filter(own, place, USUAL)
        })?;
        serve(&scene, 100, web()).context("with challenges")?;
        let answered = scene.answered()?;
        ensure!(answered >= u64::from(CLIENTS), "{answered} answered");
        Ok(())
    })
}

#[test]
fn untracked_ports_are_challenged_behind_strict_rules() -> Result<()> {
    let scene = challenged_behind(Place::Server, web(), |scene| {
        let own = guarded(scene, Place::Server);
        nft(
            own,
            "table inet raw {
                chain prerouting {
                    type filter hook prerouting priority raw
                    tcp dport 80 notrack
                }
                chain output {
                    type filter hook output priority raw
                    tcp sport 80 notrack
                }
            }",
        )?;
        filter(own, Place::Server, NOTRACK)
    })?;
    serve(&scene, 100, web()).context("with challenges")?;
    let answered = scene.answered()?;
    ensure!(answered >= u64::from(CLIENTS), "{answered} answered");
    Ok(())
}

#[test]
fn rules_that_want_the_syn_are_left_to_the_kernel() -> Result<()> {
    both_places(|place| {
        let scene = challenged_behind(place, web(), |scene| {
            filter(guarded(scene, place), place, STRICT)
        })?;
        left_to_the_kernel(&scene, web(), "strict_firewall")
    })
}

#[test]
fn strict_connection_tracking_is_left_to_the_kernel() -> Result<()> {
    both_places(|place| {
        let scene = challenged_behind(place, web(), |scene| {
            let own = guarded(scene, place);
            loose(own, "0")?;
            filter(own, place, INVALID)
        })?;
        left_to_the_kernel(&scene, web(), "strict_firewall")
    })
}

/// As container runtimes do it: DNAT for who comes from outside, and a proxy that
/// listens for everybody else.
#[test]
fn published_ports_are_left_to_the_kernel() -> Result<()> {
    let published = SocketAddr::from((HOST, 8080));
    let proxied = SocketAddr::from(([0, 0, 0, 0], 8080));
    let mut proxy = None;
    let scene = challenged_behind(Place::Uplink, published, |scene| {
        let host = &scene.lab.topology.host;
        for (key, value) in READY {
            host.sysctl(&format!("ipv4/{key}"), value)?;
        }
        proxy = Some(Counter::start(tcp::listen(
            host,
            proxied,
            &Options::default(),
        )?)?);
        nft(
            host,
            &format!(
                "table ip nat {{ chain prerouting {{
                    type nat hook prerouting priority dstnat;
                    tcp dport 8080 dnat to {CONTAINER}:80
                }}
                }}"
            ),
        )
    })?;
    left_to_the_kernel(&scene, published, "published")?;
    // What is not published is still answered for.
    let before = scene.answered()?;
    serve(&scene, 200, web())?;
    let answered = scene.answered()? - before;
    ensure!(answered >= u64::from(CLIENTS), "{answered} answered");
    ensure!(proxy.is_some_and(|proxy| proxy.guests() == 0));
    Ok(())
}
