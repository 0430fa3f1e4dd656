//! A client of the web server: connect, ask for the page, read it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use synguard_tests::address::{CONTAINER, client};
use synguard_tests::namespace::Namespace;

/// A person gives up then. A lost SYN is sent again after one second.
pub const PATIENCE: Duration = Duration::from_secs(3);

const PORT: u16 = 80;
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\nHost: home.example\r\n\r\n";
const SERVED: &[u8] = b"HTTP/1.1 200";

/// How long each request of one client took; nothing for those not served.
pub type Answers = Vec<Option<Duration>>;

/// One request after the other from the client with this number, for `time`.
pub fn ask(internet: &Namespace, number: usize, time: Duration) -> Result<Answers> {
    internet.inside(|| {
        let start = Instant::now();
        let mut answers = Vec::new();
        while start.elapsed() < time {
            let asked = Instant::now();
            let served = fetch(client(number)).unwrap_or(false);
            answers.push(served.then(|| asked.elapsed()));
            // A person's browser does not come back at once.
            std::thread::sleep(Duration::from_millis(10));
        }
        answers
    })
}

/// Whether the page came.
fn fetch(from: Ipv4Addr) -> std::io::Result<bool> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddrV4::new(from, 0))?;
    // Also bounds how long to connect may take.
    set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    connect(&socket, &SocketAddrV4::new(CONTAINER, PORT))?;
    let mut stream = TcpStream::from(socket);
    stream.write_all(REQUEST)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer.starts_with(SERVED))
}
