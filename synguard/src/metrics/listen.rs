//! Where metrics are asked for.

use std::net::{Ipv4Addr, SocketAddr};

/// An address to listen at; none: nowhere.
pub type Listen = Option<SocketAddr>;

/// `off`, a port of loopback, or an address and a port.
///
/// # Errors
///
/// Words for what it is not.
pub fn parse_listen(text: &str) -> Result<Listen, String> {
    if text == "off" {
        return Ok(None);
    }
    let address = match text.parse::<u16>() {
        Ok(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        Err(_) => text.parse().map_err(|_| {
            format!(
                "{text} is no port and no address with a port: give 9788, 127.0.0.1:9788, \
                 [::1]:9788, or off"
            )
        })?,
    };
    if address.port() == 0 {
        return Err("port 0 is none: give 1 to 65535".to_owned());
    }
    Ok(Some(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_port_is_loopbacks() {
        let listen = |text| {
            parse_listen(text)
                .unwrap()
                .map(|address| address.to_string())
        };
        assert_eq!(listen("off"), None);
        assert_eq!(listen("9788").as_deref(), Some("127.0.0.1:9788"));
        assert_eq!(listen("192.0.2.2:9788").as_deref(), Some("192.0.2.2:9788"));
        assert_eq!(listen("[::1]:9788").as_deref(), Some("[::1]:9788"));
        for wrong in [
            "",
            "0",
            "65536",
            "127.0.0.1",
            "localhost:9788",
            ":9788",
            "on",
        ] {
            assert!(parse_listen(wrong).is_err(), "{wrong}");
        }
    }
}
