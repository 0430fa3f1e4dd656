//! Listeners that end, that share a port, and that take little at a time.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use synguard_tests::address::{CONTAINER, newcomer};
use synguard_tests::crowd::Crowd;
use synguard_tests::handmade::{Handmade, Segment};
use synguard_tests::tcp::{self, Counter, Options};

use super::{Place, READY, Scene, connection, shifts};
use crate::support::wait_for_status;

const PORT: u16 = 7_000;
const FLOOD: u32 = 20_000;
/// How many listeners share a port.
const SHARED: usize = 4;
const CONNECTIONS: u16 = 200;
const EIGHT_MEGABYTES: usize = 8 << 20;

fn server() -> SocketAddr {
    (CONTAINER, PORT).into()
}

impl Scene {
    /// Serves at [`PORT`], and returns once SYNs are answered for it if any are.
    fn serve(&self, options: &Options) -> Result<Counter> {
        let container = &self.lab.topology.container;
        let counter = Counter::start(tcp::listen(container, server(), options)?)?;
        self.wait_until_listed(true)?;
        Ok(counter)
    }

    fn wait_until_listed(&self, listed: bool) -> Result<()> {
        let name = server().to_string();
        wait_for_status(&self.synguard, "the listeners", |status| {
            let challenge = &status["challenge"];
            let listeners = challenge["listeners"].as_array().context("no list")?;
            let found = listeners.iter().any(|one| one["address"] == *name);
            Ok(challenge["mode"] == "off" || found == listed)
        })?;
        Ok(())
    }

    /// A new client sends so much.
    fn deliver(&self, number: u16, bytes: usize) -> Result<()> {
        let internet = &self.lab.topology.internet;
        let from = (newcomer(number), 0).into();
        tcp::deliver(tcp::connect(internet, from, server())??, bytes)
    }
}

#[test]
fn who_comes_when_a_listener_ends_is_refused() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let scene = Scene::challenging(place, READY)?;
        let crowd = Crowd::start(&scene.lab.topology, CONTAINER.into(), FLOOD)?;
        let counter = scene.serve(&Options::default())?;
        scene.deliver(0, 10)?;
        // Somebody is between SYN-ACK and ACK when it ends.
        let late = Handmade::new(
            &scene.lab.topology,
            (Ipv4Addr::new(198, 18, 0, 1), 40_000).into(),
            server(),
        )?;
        late.send(&Segment {
            syn: true,
            ..Segment::default()
        })?;
        let syn_ack = late.expect("a SYN-ACK", |segment| segment.syn)?;
        drop(counter);
        late.send(&Segment {
            sequence: 1,
            ack: Some(syn_ack.sequence.wrapping_add(1)),
            ..Segment::default()
        })?;
        late.expect("a RST", |segment| segment.rst)?;
        let internet = &scene.lab.topology.internet;
        // Before SynGuard notices, and after.
        for (number, noticed) in [(1, false), (2, true)] {
            if noticed {
                scene.wait_until_listed(false)?;
            }
            let refused = tcp::connect(internet, (newcomer(number), 0).into(), server())?;
            let error = refused.map(drop).expect_err("nobody listens");
            ensure!(error.kind() == ErrorKind::ConnectionRefused, "{error}");
        }
        // And back again.
        let _counter = scene.serve(&Options::default())?;
        scene.deliver(3, 10)?;
        crowd.stop()?;
    }
    Ok(())
}

#[test]
fn all_who_share_a_port_are_served() -> Result<()> {
    let options = Options {
        reuse_port: true,
        ..Options::default()
    };
    for place in [Place::Server, Place::Uplink] {
        let scene = Scene::challenging(place, READY)?;
        let counters: Vec<_> = (0..SHARED)
            .map(|_| scene.serve(&options))
            .collect::<Result<_>>()?;
        let before = scene.answered()?;
        for number in 0..CONNECTIONS {
            scene
                .deliver(number, 10)
                .with_context(|| format!("connection {number}"))?;
        }
        let answered = scene.answered()? - before;
        ensure!(answered >= CONNECTIONS.into(), "{answered} answered");
        let guests: Vec<_> = counters.iter().map(Counter::guests).collect();
        ensure!(guests.iter().all(|guests| *guests > 0), "{guests:?}");
        ensure!(guests.iter().sum::<u64>() == u64::from(CONNECTIONS));
    }
    Ok(())
}

/// Small ones, and the default.
const BUFFERS: [Option<usize>; 5] = [
    Some(4 << 10),
    Some(16 << 10),
    Some(60 << 10),
    Some(200 << 10),
    None,
];
/// The kernel doubles it, and then it is what one has that nobody gave another.
const AS_THE_DEFAULT: Option<usize> = Some(64 << 10);

#[test]
fn windows_are_scaled_as_the_kernel_does() -> Result<()> {
    scaled_as_the_kernel_does(&BUFFERS)
}

#[test]
fn a_window_that_was_set_to_the_default_is_scaled_as_the_kernel_does() -> Result<()> {
    scaled_as_the_kernel_does(&[AS_THE_DEFAULT])
}

fn scaled_as_the_kernel_does(buffers: &[Option<usize>]) -> Result<()> {
    let plain = Scene::attached(Place::Server, READY, &["--challenge", "off"])?;
    let challenging = Scene::challenging(Place::Server, READY)?;
    for (number, &receive_buffer) in (0..).zip(buffers) {
        let options = Options {
            receive_buffer,
            ..Options::default()
        };
        let time = |scene: &Scene| -> Result<Duration> {
            let _counter = scene.serve(&options)?;
            let start = Instant::now();
            scene.deliver(number, EIGHT_MEGABYTES)?;
            let took = start.elapsed();
            eprintln!("SO_RCVBUF {receive_buffer:?}: 8 MB in {took:.1?}");
            promises_what_it_keeps(scene, 100 + number)?;
            Ok(took)
        };
        let (before, with) = (time(&plain)?, time(&challenging)?);
        challenging.wait_until_listed(false)?;
        // A window that is wrong costs ten times as much and more; a busy machine may
        // cost a moment.
        let most = before * 4 + Duration::from_secs(2);
        ensure!(with < most, "{receive_buffer:?}: {with:?}, not {before:?}");
    }
    ensure!(challenging.answered()? >= 2 * buffers.len() as u64);
    Ok(())
}

/// The peer of the listener does not think the window larger than it is.
fn promises_what_it_keeps(scene: &Scene, number: u16) -> Result<()> {
    let topology = &scene.lab.topology;
    let (client, server_ip) = (newcomer(number), IpAddr::from(CONTAINER));
    let stream = tcp::connect(&topology.internet, (client, 0).into(), server())??;
    let near = connection(&topology.internet, client.into(), server_ip)?;
    let far = connection(&topology.container, server_ip, client.into())?;
    let ((promised, _), (_, kept)) = (shifts(&near)?, shifts(&far)?);
    ensure!(promised <= kept, "{near}{far}");
    tcp::deliver(stream, 10)
}
