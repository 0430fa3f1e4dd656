//! A server on the internet side, for connections that the home server opens.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::namespace::Namespace;

const GREETING: &[u8] = b"welcome\n";
const PATIENCE: Duration = Duration::from_secs(3);

/// Greets whoever connects; dropping it ends it.
#[derive(Debug)]
pub struct Greeter {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Greeter {
    /// Listens on an address that the namespace has.
    pub fn start(namespace: &Namespace, address: Ipv4Addr, port: u16) -> Result<Self> {
        let address = SocketAddr::from((address, port));
        let listener = namespace
            .inside(|| TcpListener::bind(address))?
            .with_context(|| format!("cannot listen on {address}"))?;
        listener.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                match listener.accept() {
                    // A guest that has already gone is no concern of ours.
                    Ok((mut guest, _)) => drop(guest.write_all(GREETING)),
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Connects from a namespace and reads the greeting.
    ///
    /// # Errors
    /// When that takes more than three seconds, or does not work at all.
    pub fn visit(&self, from: &Namespace) -> Result<()> {
        let greeting = from.inside(|| -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let mut greeting = Vec::new();
            stream.read_to_end(&mut greeting)?;
            Ok(greeting)
        })?;
        let greeting = greeting.with_context(|| format!("cannot visit {}", self.address))?;
        ensure!(greeting == GREETING, "a wrong greeting: {greeting:?}");
        Ok(())
    }
}

impl Drop for Greeter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
