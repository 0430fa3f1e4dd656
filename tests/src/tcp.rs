//! TCP sockets with what the standard library has no word for, and a server that counts
//! what it is sent.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::net::sockopt::{
    Timeout, set_socket_recv_buffer_size, set_socket_reuseaddr, set_socket_reuseport,
    set_socket_timeout,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::namespace::Namespace;

const BACKLOG: i32 = 128;
/// What a starved machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a listener is like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Others may listen at the same place.
    pub reuse_port: bool,
    /// SO_RCVBUF, in bytes.
    pub receive_buffer: Option<usize>,
    /// TCP Fast Open, where the sysctl allows it.
    pub fast_open: bool,
}

/// A socket in the namespace that is bound to this address; it may have been used a
/// moment ago.
///
/// # Errors
/// When the address cannot be had.
pub fn bound(namespace: &Namespace, address: SocketAddr) -> Result<OwnedFd> {
    let open = || -> io::Result<OwnedFd> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let (kind, flags) = (SocketType::STREAM, SocketFlags::CLOEXEC);
        let socket = rustix::net::socket_with(family, kind, flags, None)?;
        set_socket_reuseaddr(&socket, true)?;
        set_socket_timeout(&socket, Timeout::Send, Some(PATIENCE))?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(socket)
    };
    let socket = namespace.inside(open)??;
    // SO_REUSEPORT comes before the bind, but harms nobody who does not listen.
    set_socket_reuseport(&socket, true)?;
    rustix::net::bind(&socket, &address).with_context(|| format!("cannot have {address}"))?;
    Ok(socket)
}

/// Listens at this address.
///
/// # Errors
/// When the address cannot be had.
pub fn listen(
    namespace: &Namespace,
    address: SocketAddr,
    options: &Options,
) -> Result<TcpListener> {
    let socket = bound(namespace, address)?;
    if !options.reuse_port {
        set_socket_reuseport(&socket, false)?;
    }
    if let Some(bytes) = options.receive_buffer {
        set_socket_recv_buffer_size(&socket, bytes)?;
    }
    if options.fast_open {
        set_fast_open(&socket)?;
    }
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

fn set_fast_open(socket: &OwnedFd) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let backlog = BACKLOG;
    // SAFETY: the pointer and the length describe `backlog`, which the kernel reads.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_FASTOPEN,
            (&raw const backlog).cast(),
            size_of_val(&backlog) as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Connects from an address to another. The outer error is the lab's; the inner one the
/// kernel's word about the connection.
pub fn connect(
    namespace: &Namespace,
    from: SocketAddr,
    to: SocketAddr,
) -> Result<io::Result<TcpStream>> {
    let socket = bound(namespace, from)?;
    Ok(rustix::net::connect(&socket, &to)
        .map(|()| TcpStream::from(socket))
        .map_err(io::Error::from))
}

/// Sends so many bytes to a [`Counter`], and makes sure that it got them all.
///
/// # Errors
/// When it did not.
pub fn deliver(mut stream: TcpStream, bytes: usize) -> Result<()> {
    stream.write_all(&vec![7; bytes]).context("cannot send")?;
    stream.shutdown(Shutdown::Write)?;
    let mut counted = [0; 8];
    stream.read_exact(&mut counted).context("no answer")?;
    let counted = u64::from_be_bytes(counted);
    ensure!(counted == bytes as u64, "{counted} of {bytes} bytes came");
    Ok(())
}

/// Tells everybody who connects how many bytes it was sent; dropping it ends it, and its
/// listener.
#[derive(Debug)]
pub struct Counter {
    guests: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Counter {
    /// Serves those who connect to the listener.
    pub fn start(listener: TcpListener) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let (guests, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (count, end) = (Arc::clone(&guests), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((guest, _)) => {
                        count.fetch_add(1, Ordering::Relaxed);
                        // Whoever breaks off is no concern of ours.
                        std::thread::spawn(move || drop(serve(guest)));
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Ok(Self {
            guests,
            stop,
            thread: Some(thread),
        })
    }

    /// How many have connected.
    pub fn guests(&self) -> u64 {
        self.guests.load(Ordering::Relaxed)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut guest: TcpStream) -> io::Result<()> {
    guest.set_nonblocking(false)?;
    guest.set_read_timeout(Some(PATIENCE))?;
    let count = io::copy(&mut guest, &mut io::sink())?;
    guest.write_all(&count.to_be_bytes())
}
