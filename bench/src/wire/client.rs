//! Clients of the web server: connect, ask for the page, read it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use synguard_tests::address::CONTAINER;
use synguard_tests::topology::Topology;

/// A person gives up then. A lost SYN is sent again after one second.
pub const PATIENCE: Duration = Duration::from_secs(3);

const PORT: u16 = 80;
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\nHost: home.example\r\n\r\n";
const SERVED: &[u8] = b"HTTP/1.1 200";

/// Where clients come from (RFC 2544: for benchmarks).
const FIRST: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
const BITS: u32 = 17;

/// How long one client waited.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// Until it was connected.
    pub connected: Duration,
    /// Until it had the page.
    pub whole: Duration,
}

/// Of one client after the other; nothing for those not served.
pub type Answers = Vec<Option<Served>>;

/// Gives the lab's internet the addresses that clients come from.
pub fn move_in(topology: &Topology) -> Result<()> {
    let prefix = u32::BITS - BITS;
    let route = format!("route add local {FIRST}/{prefix} dev lo");
    topology.internet.batch(&[route])
}

/// One client after the other for `time`. None has ever been here before: who has
/// connected once may be known.
pub fn ask(topology: &Topology, time: Duration) -> Result<Answers> {
    topology.internet.inside(|| {
        let start = Instant::now();
        let mut answers = Vec::new();
        while start.elapsed() < time {
            answers.push(fetch(next()).unwrap_or_default());
            // A person's browser does not come back at once.
            std::thread::sleep(Duration::from_millis(10));
        }
        answers
    })
}

/// The next client, in another network than the last one.
fn next() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let place = number.reverse_bits() >> (u32::BITS - BITS);
    Ipv4Addr::from(u32::from(FIRST) + place)
}

/// Nothing where another answer came than the page.
fn fetch(from: Ipv4Addr) -> std::io::Result<Option<Served>> {
    let start = Instant::now();
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddrV4::new(from, 0))?;
    // Also bounds how long to connect may take.
    set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    connect(&socket, &SocketAddrV4::new(CONTAINER, PORT))?;
    let connected = start.elapsed();
    let mut stream = TcpStream::from(socket);
    stream.write_all(REQUEST)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let whole = start.elapsed();
    Ok(answer
        .starts_with(SERVED)
        .then_some(Served { connected, whole }))
}
