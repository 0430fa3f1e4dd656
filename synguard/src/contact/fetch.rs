//! Fetching by HTTP, with bounds: on time, on size, on redirects.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ureq::Agent;
use ureq::http::header::{AGE, CACHE_CONTROL, EXPIRES, HeaderName};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::email;
use super::freshness::{self, Headers};

/// To connect, of that.
const TO_CONNECT: Duration = Duration::from_secs(5);
/// For one URL, with all redirects.
const IN_ALL: Duration = Duration::from_secs(15);
/// IANA's files have some 20 kB, answers 50 kB.
const LARGEST: u64 = 1 << 20;
/// Registries refer to each other once (RFC 9224 section 3), servers to themselves once or
/// twice. A loop ends here.
const REDIRECTS: u32 = 5;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    /// What it says.
    pub body: Vec<u8>,
    /// How long it may be kept.
    pub fresh: Duration,
}

/// Asks by HTTPS, and by plain HTTP where that is allowed.
pub(super) struct Client(Agent);

impl Client {
    /// Trusts who this host trusts: its administrator's certificates reach a mirror
    /// or a proxy of his own, and his updates count, where a list in this program
    /// would grow old with it.
    ///
    /// # Errors
    ///
    /// Where it trusts nobody, and somebody must be trusted.
    pub(super) fn new(may_be_plain: bool) -> Result<Self, String> {
        let trusted = rustls_native_certs::load_native_certs().certs;
        if trusted.is_empty() && !may_be_plain {
            return Err(
                "this host trusts no certificates (Debian: apt-get install ca-certificates)"
                    .to_owned(),
            );
        }
        let trusted = trusted.iter().map(|trusted| Certificate::from_der(trusted));
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::from(trusted.map(|trusted| trusted.to_owned())))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(!may_be_plain)
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .timeout_connect(Some(TO_CONNECT))
            .timeout_global(Some(IN_ALL))
            .user_agent(concat!("synguard/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self(config.new_agent()))
    }

    /// Gets a URL at `now`, asking for this media type.
    ///
    /// # Errors
    ///
    /// Why there is no answer, naming the URL.
    pub(super) fn get(&self, url: &str, accept: &str, now: SystemTime) -> Result<Fetched, String> {
        let failed = |error: &ureq::Error| format!("{url}: {}", explain(error));
        let request = self.0.get(url).header("accept", accept);
        let mut response = request.call().map_err(|error| failed(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("{url} answers {status}"));
        }
        let header = |name: HeaderName| response.headers().get(name)?.to_str().ok();
        let headers = Headers {
            cache_control: header(CACHE_CONTROL),
            age: header(AGE),
            expires: header(EXPIRES),
        };
        let fresh = freshness::lifetime(headers, now);
        let body = response.body_mut().with_config().limit(LARGEST);
        let body = body.read_to_vec().map_err(|error| failed(&error))?;
        Ok(Fetched { body, fresh })
    }
}

fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no whole answer within {} s", IN_ALL.as_secs()),
        ureq::Error::BodyExceedsLimit(limit) => format!("the answer has more than {limit} bytes"),
        ureq::Error::TooManyRedirects => {
            format!("more than {REDIRECTS} redirects, perhaps a loop")
        }
        ureq::Error::RequireHttpsOnly(url) => {
            format!("leads to {url}, and only https is trusted")
        }
        other => email::name(&other.to_string()).unwrap_or_default(),
    }
}
