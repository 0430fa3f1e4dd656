//! Servers as registries have them, RDAP and whois, or as nobody should: each
//! answers what its test wants it to, inside one namespace.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::namespace::Namespace;
use crate::wait;

/// No question is longer.
const LONGEST: usize = 16 << 10;
/// A guest that does not ask is not waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was asked: the first line.
pub type Question = String;

/// A server; dropping it ends it once its guests are gone.
#[derive(Debug)]
pub struct Registry {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<(Question, SocketAddr)>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How to answer: what to write, and what to do then.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes again and again, until the guest goes.
    Endless(Vec<u8>),
    /// Nothing, until the guest goes.
    Silence,
}

impl Registry {
    /// Listens in the namespace, and answers each question by `reply`.
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub fn start(
        namespace: &Namespace,
        address: &str,
        reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = listen(namespace, address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (asked, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (log, end) = (Arc::clone(&asked), Arc::clone(&stop));
        let thread = thread::spawn(move || serve(&listener, &reply, &log, &end));
        Ok(Self {
            address,
            asked,
            stop,
            thread: Some(thread),
        })
    }

    /// What was asked so far, and from where.
    pub fn asked(&self) -> Vec<(Question, SocketAddr)> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }

    /// How often something like this was asked.
    pub fn count(&self, part: &str) -> usize {
        let asked = self.asked();
        asked
            .iter()
            .filter(|(asked, _)| asked.contains(part))
            .count()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A case beside this one may have forked while the last listener was open: until its
/// child becomes another program, that one is still there.
fn listen(namespace: &Namespace, address: &str) -> Result<TcpListener> {
    let what = format!("{address} to be free");
    wait::until(&what, wait::GENEROUS, || {
        match namespace.inside(|| TcpListener::bind(address)) {
            Ok(Err(error)) if error.kind() == ErrorKind::AddrInUse => None,
            listener => Some(listener),
        }
    })??
    .with_context(|| format!("cannot listen on {address}"))
}

fn serve(
    listener: &TcpListener,
    reply: &(impl Fn(&str) -> Reply + Sync),
    asked: &Mutex<Vec<(Question, SocketAddr)>>,
    stop: &AtomicBool,
) {
    thread::scope(|guests| {
        while !stop.load(Ordering::Relaxed) {
            match listener.accept() {
                Ok((guest, from)) => {
                    guests.spawn(move || answer(guest, from, reply, asked, stop));
                }
                Err(_) => thread::sleep(Duration::from_millis(2)),
            }
        }
    });
}

/// A guest that goes early is no concern of ours.
fn answer(
    mut guest: TcpStream,
    from: SocketAddr,
    reply: &impl Fn(&str) -> Reply,
    asked: &Mutex<Vec<(Question, SocketAddr)>>,
    stop: &AtomicBool,
) {
    let Some(question) = question(&mut guest) else {
        return;
    };
    let log = asked.lock();
    log.unwrap_or_else(PoisonError::into_inner)
        .push((question.clone(), from));
    match reply(&question) {
        Reply::Bytes(bytes) => drop(guest.write_all(&bytes)),
        Reply::Endless(bytes) => while guest.write_all(&bytes).is_ok() {},
        Reply::Silence => {
            let _ = guest.set_read_timeout(Some(Duration::from_millis(50)));
            while !stop.load(Ordering::Relaxed) && is_there(&mut guest) {}
        }
    }
}

fn is_there(guest: &mut TcpStream) -> bool {
    match guest.read(&mut [0; 16]) {
        Ok(length) => length > 0,
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// The first line; of HTTP the header is read to its end.
fn question(guest: &mut TcpStream) -> Option<Question> {
    guest.set_nonblocking(false).ok()?;
    guest.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut text = Vec::new();
    let mut byte = [0];
    loop {
        let end: &[u8] = if text.starts_with(b"GET ") {
            b"\r\n\r\n"
        } else {
            b"\r\n"
        };
        if text.ends_with(end) {
            break;
        }
        if text.len() >= LONGEST || guest.read(&mut byte).ok()? == 0 {
            return None;
        }
        text.extend(byte);
    }
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().next()?.to_owned())
}

/// An HTTP answer.
pub fn http(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Bytes(
        format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
        .into_bytes(),
    )
}
