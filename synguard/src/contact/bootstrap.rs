//! IANA's list of who answers by RDAP for which addresses (RFC 9224).

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

/// `ipv4.json` or `ipv6.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Bootstrap {
    /// Prefixes, and the URLs that answer for them.
    services: Vec<(Vec<String>, Vec<String>)>,
}

impl Bootstrap {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| format!("no RDAP bootstrap file: {error}"))
    }

    /// The URL that answers for an address: that of the longest prefix (RFC 9224
    /// section 5), by HTTPS where there is a choice (section 3).
    pub(super) fn service(&self, address: IpAddr) -> Option<&str> {
        let covering = self.services.iter().filter_map(|(prefixes, urls)| {
            let lengths = prefixes.iter().filter_map(|prefix| prefix.parse().ok());
            let lengths = lengths
                .filter(|net: &IpNet| net.contains(&address))
                .map(|net| net.prefix_len());
            Some((lengths.max()?, urls))
        });
        let (_, urls) = covering.max_by_key(|(length, _)| *length)?;
        let secure = urls.iter().find(|url| url.starts_with("https://"));
        secure.or_else(|| urls.first()).map(String::as_str)
    }
}

/// Which of the files to ask.
pub(super) const fn file(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "ipv4.json",
        IpAddr::V6(_) => "ipv6.json",
    }
}

/// The URL to ask about an address (RFC 9082 section 3.1.1).
pub(super) fn query(service: &str, address: IpAddr) -> String {
    format!("{}/ip/{address}", service.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
        "version": "1.0", "publication": "2026-01-01T00:00:00Z",
        "services": [
            [["192.0.0.0/8", "nonsense"], ["http://a.example/", "https://a.example/rdap/"]],
            [["192.0.2.0/24"], ["http://b.example"]],
            [["2001:db8::/32"], []]
        ]}"#;

    #[test]
    fn the_longest_prefix_answers_by_https_if_it_can() {
        let bootstrap = Bootstrap::parse(FILE.as_bytes()).unwrap();
        for (address, expected) in [
            ("192.1.0.1", Some("https://a.example/rdap/")),
            ("192.0.2.1", Some("http://b.example")),
            ("198.51.100.1", None),
            ("2001:db8::1", None),
        ] {
            assert_eq!(
                bootstrap.service(address.parse().unwrap()),
                expected,
                "{address}"
            );
        }
    }

    #[test]
    fn queries_have_one_slash() {
        let address = "192.0.2.1".parse().unwrap();
        for service in ["https://a.example/rdap", "https://a.example/rdap/"] {
            assert_eq!(
                query(service, address),
                "https://a.example/rdap/ip/192.0.2.1"
            );
        }
    }

    #[test]
    fn other_files_are_named() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"services": [[["192.0.2.0/24"]]]}"#,
            "\u{fffd}",
        ] {
            let error = Bootstrap::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains("no RDAP bootstrap file"), "{error}");
        }
    }
}
