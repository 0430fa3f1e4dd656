//! Whom to ask.

use std::fmt;
use std::str::FromStr;

use ureq::http::Uri;

use super::whois;

/// Where the search for a contact begins.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The folder of `ipv4.json` and `ipv6.json` (RFC 9224 section 13).
    pub bootstrap: String,
    /// The whois server that knows who knows.
    pub whois: WhoisServer,
}

impl Endpoints {
    /// IANA's bootstrap files, as `--rdap-bootstrap` gives them.
    pub const BOOTSTRAP: &str = "https://data.iana.org/rdap/";
    /// IANA's whois server.
    pub const WHOIS: &str = "whois.iana.org";

    /// Whether answers may come, and refer, to plain http: only where a person said
    /// so by giving a plain beginning.
    pub(super) fn may_be_plain(&self) -> bool {
        !self.bootstrap.starts_with("https://")
    }

    /// The URL of a bootstrap file.
    pub(super) fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.bootstrap.trim_end_matches('/'))
    }
}

/// A whois server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WhoisServer {
    /// A name, or an address without brackets.
    pub host: String,
    /// Mostly 43.
    pub port: u16,
}

impl FromStr for WhoisServer {
    type Err = String;

    /// `whois.example.net`, `192.0.2.1:4343`, `[2001:db8::1]:4343`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no whois server: write HOST or HOST:PORT");
        let is_v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !is_v6 && !text.ends_with(']') => (
                host,
                port.parse()
                    .ok()
                    .filter(|port| *port != 0)
                    .ok_or_else(wrong)?,
            ),
            _ => (text, whois::PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let fits = |c: char| c.is_ascii_alphanumeric() || "-.:_".contains(c);
        if host.is_empty() || host.len() > 253 || !host.chars().all(fits) {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

impl fmt::Display for WhoisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Reads `--whois`.
///
/// # Errors
///
/// Where it is no server.
pub fn parse_whois(text: &str) -> Result<WhoisServer, String> {
    text.parse()
}

/// Reads `--rdap-bootstrap`.
///
/// # Errors
///
/// Where it is no URL by http or https.
pub fn parse_bootstrap(text: &str) -> Result<String, String> {
    let uri: Option<Uri> = text.parse().ok();
    let fits = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    });
    if fits {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{text:?} is no URL of a folder with ipv4.json and ipv6.json: write it as {}",
        Endpoints::BOOTSTRAP
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whois_servers_are_read_as_people_write_them() {
        for (text, expected) in [
            ("whois.example.net", Some("whois.example.net:43")),
            ("WHOIS.example.net:4343", Some("whois.example.net:4343")),
            ("192.0.2.1", Some("192.0.2.1:43")),
            ("2001:db8::1", Some("[2001:db8::1]:43")),
            ("[2001:db8::1]", Some("[2001:db8::1]:43")),
            ("[2001:db8::1]:4343", Some("[2001:db8::1]:4343")),
            ("", None),
            ("host:", None),
            ("host:0", None),
            ("host:65536", None),
            ("a host", None),
            ("whois://host", None),
        ] {
            let read = parse_whois(text).ok().map(|server| server.to_string());
            assert_eq!(read.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn bootstrap_urls_are_checked() {
        for good in [
            Endpoints::BOOTSTRAP,
            "http://127.0.0.1:8080",
            "https://[2001:db8::1]/a/b/",
        ] {
            assert_eq!(parse_bootstrap(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "ftp://x/",
            "example.org",
            "/etc/passwd",
            "https://",
            "https://x/?q",
        ] {
            assert!(parse_bootstrap(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn plain_http_needs_a_plain_beginning() {
        let endpoints = |bootstrap: &str| Endpoints {
            bootstrap: bootstrap.to_owned(),
            whois: Endpoints::WHOIS.parse().unwrap(),
        };
        assert!(!endpoints(Endpoints::BOOTSTRAP).may_be_plain());
        assert!(endpoints("http://127.0.0.1/").may_be_plain());
        assert_eq!(
            endpoints("http://127.0.0.1").file("ipv4.json"),
            "http://127.0.0.1/ipv4.json"
        );
    }
}
