//! Connections of unusual kinds: opened again too soon, from both sides at once, or with
//! data in the SYN by TCP Fast Open.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::io::Errno;
use rustix::net::SendFlags;
use synguard_tests::address::{CONTAINER, client};
use synguard_tests::far_client::{FAR, FarClient};
use synguard_tests::greeter::Greeter;
use synguard_tests::namespace::Namespace;
use synguard_tests::tcp::{self, Counter, Options};
use synguard_tests::wait;

use super::{Place, READY, Scene};
use crate::support::number;

const SERVER_PORT: u16 = 7_000;
const CLIENT_PORT: u16 = 40_000;

fn server() -> SocketAddr {
    (CONTAINER, SERVER_PORT).into()
}

/// A plain lab whose server has the sysctls; nobody filters yet.
fn unfiltered(place: Place) -> Result<Scene> {
    let scene = Scene::attached(place, READY, &["--challenge", "off"])?;
    let uplink = scene.synguard.uplink.clone();
    scene.synguard.succeed(&["detach", &uplink])?;
    Ok(scene)
}

impl Scene {
    /// Begins to challenge, knowing nobody.
    fn challenge_now(&mut self) -> Result<()> {
        self.controller = self.synguard.attach(&["--challenge", "always"])?;
        self.controller.wait_for("challenging new clients")?;
        Ok(())
    }
}

#[test]
fn the_same_ports_are_used_again_in_time_wait() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let mut scene = unfiltered(place)?;
        let topology = scene.lab.topology.clone();
        let _greeter = Greeter::start(&topology.container, CONTAINER, SERVER_PORT)?;
        let visit = || -> Result<()> {
            let from = (client(0), CLIENT_PORT).into();
            let mut stream = tcp::connect(&topology.internet, from, server())??;
            let mut greeting = String::new();
            stream.read_to_string(&mut greeting)?;
            ensure!(greeting == "welcome\n", "{greeting:?}");
            drop(stream);
            // The server closed first.
            in_time_wait(&topology.container)
        };
        visit()?;
        visit().context("without challenges")?;
        scene.challenge_now()?;
        visit().context("with challenges")?;
        visit().context("with challenges, once more")?;
        let status = scene.synguard.status()?;
        ensure!(
            number(&status, "/passed/syn_no_listener")? > 0,
            "{status:#}"
        );
        ensure!(number(&status, "/challenge/answered")? == 0, "{status:#}");
    }
    Ok(())
}

fn in_time_wait(container: &Namespace) -> Result<()> {
    let port = format!(":{SERVER_PORT}");
    wait::until_true("a connection in TIME_WAIT", wait::GENEROUS, || {
        let filter = ["-tnH", "state", "time-wait", "sport", "=", &port];
        container
            .run("ss", &filter)
            .is_ok_and(|shown| !shown.is_empty())
    })
}

#[test]
fn fast_open_works_as_before() -> Result<()> {
    const MESSAGE: &[u8] = b"0123456789";
    for place in [Place::Server, Place::Uplink] {
        let mut scene = unfiltered(place)?;
        let (internet, container) = (
            scene.lab.topology.internet.clone(),
            scene.lab.topology.container.clone(),
        );
        container.sysctl("ipv4/tcp_fastopen", "3")?;
        let options = Options {
            fast_open: true,
            ..Options::default()
        };
        let _counter = Counter::start(tcp::listen(&container, server(), &options)?)?;
        let visit = |port| -> Result<()> {
            let socket = tcp::bound(&internet, (client(0), port).into())?;
            let flags = SendFlags::from_bits_retain(libc::MSG_FASTOPEN as u32);
            rustix::net::sendto(&socket, MESSAGE, flags, &server())?;
            let mut stream = TcpStream::from(socket);
            stream.shutdown(std::net::Shutdown::Write)?;
            let mut counted = [0; 8];
            stream.read_exact(&mut counted)?;
            ensure!(u64::from_be_bytes(counted) == MESSAGE.len() as u64);
            Ok(())
        };
        // Who always hands out SYN cookies never opens fast.
        container.sysctl("ipv4/tcp_syncookies", "1")?;
        // The first brings the cookie that the second opens with.
        visit(40_000)?;
        visit(40_001)?;
        ensure!(opened_fast(&container)? == 1, "no TCP Fast Open here");
        container.sysctl("ipv4/tcp_syncookies", "2")?;
        scene.challenge_now()?;
        visit(40_002).context("with challenges")?;
        ensure!(scene.answered()? == 1, "not challenged");
        visit(40_003).context("with challenges, as a known client")?;
    }
    Ok(())
}

/// How many connections began with data in the SYN.
fn opened_fast(namespace: &Namespace) -> Result<u64> {
    let text = namespace.inside(|| std::fs::read_to_string("/proc/thread-self/net/netstat"))??;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (
        lines.next().context("names")?,
        lines.next().context("values")?,
    );
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    let (_, value) = pairs
        .find(|(name, _)| *name == "TCPFastOpenPassive")
        .context("no such counter")?;
    Ok(value.parse()?)
}

/// Both SYNs are under way when either side sends its own.
#[test]
fn both_sides_may_open_at_once() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let mut scene = unfiltered(place)?;
        let far = FarClient::new(&scene.lab.topology, Duration::from_secs(1))?;
        open_at_once(&far, &scene.lab.topology.container, 40_000).context("unchallenged")?;
        scene.challenge_now()?;
        open_at_once(&far, &scene.lab.topology.container, 40_001).context("challenged")?;
    }
    Ok(())
}

fn open_at_once(far: &FarClient, container: &Namespace, port: u16) -> Result<()> {
    let (there, here) = (SocketAddr::from((FAR, port)), (CONTAINER, port).into());
    let far = tcp::bound(&far.namespace, there)?;
    let near = tcp::bound(container, here)?;
    begin(&far, here)?;
    begin(&near, there)?;
    let [mut far, mut near] = [(far, here), (near, there)].map(|(socket, to)| {
        wait::until("an open connection", wait::GENEROUS, || {
            // Once it is open, connecting again says so.
            let state = rustix::net::connect(&socket, &to);
            matches!(state, Ok(()) | Err(Errno::ISCONN)).then_some(())
        })
        .map(|()| TcpStream::from(socket))
    });
    let (far, near) = (far.as_mut(), near.as_mut());
    let (Ok(far), Ok(near)) = (far, near) else {
        anyhow::bail!("not opened");
    };
    far.set_nonblocking(false)?;
    near.set_nonblocking(false)?;
    far.write_all(b"x")?;
    let mut byte = [0];
    near.read_exact(&mut byte)?;
    ensure!(byte == *b"x");
    Ok(())
}

fn begin(socket: &OwnedFd, to: SocketAddr) -> Result<()> {
    rustix::io::ioctl_fionbio(socket, true)?;
    match rustix::net::connect(socket, &to) {
        Err(Errno::INPROGRESS) => Ok(()),
        other => anyhow::bail!("connecting: {other:?}"),
    }
}
