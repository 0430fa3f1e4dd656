//! The thread that answers for metrics, over HTTP/1.1.
//!
//! Whoever can reach it may hold a connection as long as a scrape may take, and nothing
//! else: connections are few, short, and answer one request each.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener as Listener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::{Format, encode, families};
use crate::Result;
use crate::error::Context as _;

/// Connections at the same time; more wait.
const CONNECTIONS: usize = 32;
/// How long one may last.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a request may take to come. Prometheus gives a scrape ten seconds: so many times
/// [`CONNECTIONS`] that say nothing do not fail one.
const REQUEST: Duration = Duration::from_secs(1);
/// The largest head of a request, in bytes; the least that hyper takes.
const HEAD: usize = 8192;
/// After a connection could not be taken.
const PAUSE: Duration = Duration::from_millis(100);
const PATH: &str = "/metrics";

/// Answers until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Begins to answer there.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Failed`] where somebody else listens there, or nobody can.
    pub(crate) fn start(address: SocketAddr) -> Result<Self> {
        let doing = || format!("listening at {address} for whoever asks for metrics (--metrics)");
        let listener = TcpListener::bind(address).context(doing())?;
        listener.set_nonblocking(true).context(doing())?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("starting a runtime for metrics")?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // An error means that the server was dropped.
                    _ = stopped => {}
                    () = serve(listener) => {}
                }
            });
        });
        if !address.ip().is_loopback() {
            warn!(
                "metrics can be read by everybody who reaches {address}: there is no password, so \
                 let the firewall say who does"
            );
        }
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    /// When it is over, the address is free.
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked is over, too.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener) {
    let listener = match Listener::from_std(listener) {
        Ok(listener) => listener,
        Err(failure) => return warn!("metrics cannot be asked for: {failure}"),
    };
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&free).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(async move {
                    converse(stream).await;
                    drop(place);
                });
            }
            // Too many open files, say: it may get better.
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn converse(stream: TcpStream) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .max_buf_size(HEAD)
        .keep_alive(false);
    let connection = http.serve_connection(TokioIo::new(stream), service_fn(answer));
    // Whoever breaks off does so.
    let _ = timeout(PATIENCE, connection).await;
}

async fn answer<B: Body>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let accept = request.headers().get(ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    Ok(respond(
        request.method(),
        request.uri().path(),
        accept.unwrap_or_default(),
    ))
}

fn respond(method: &Method, path: &str, accept: &str) -> Response<Full<Bytes>> {
    if path != PATH {
        let text = format!("Metrics are at {PATH}.\n");
        return with(StatusCode::NOT_FOUND, "text/plain", text);
    }
    if method != Method::GET {
        let mut refusal = with(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "Metrics can be read, by GET.\n".to_owned(),
        );
        let allowed = hyper::header::HeaderValue::from_static("GET");
        refusal.headers_mut().insert(ALLOW, allowed);
        return refusal;
    }
    let format = Format::accepted(accept);
    match encode(families(), format) {
        Ok(text) => with(StatusCode::OK, format.content_type(), text),
        Err(failure) => with(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain",
            format!("{failure}\n"),
        ),
    }
}

fn with(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::time::Instant;

    use super::*;

    /// As long as Prometheus waits for a scrape, by default.
    const SCRAPE: Duration = Duration::from_secs(10);

    #[test]
    fn who_says_nothing_does_not_make_a_scrape_fail() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let serving = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let _ = runtime.block_on(async { timeout(2 * SCRAPE, serve(listener)).await });
        });
        let silent: Vec<_> = (0..120)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let begun = Instant::now();
        let mut scrape = TcpStream::connect(address).unwrap();
        scrape.set_read_timeout(Some(SCRAPE)).unwrap();
        scrape
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
            .unwrap();
        let mut status = [0; 12];
        scrape.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        assert!(begun.elapsed() < SCRAPE, "{:?}", begun.elapsed());
        drop(silent);
        assert!(!serving.is_finished());
    }
}
