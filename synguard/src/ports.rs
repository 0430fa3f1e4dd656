//! Sets of ports, as the command line takes them: `25,80,443,8000-8999`.

use std::str::FromStr;

/// How many ranges a set can have.
const RANGES: usize = 16;

/// Some ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports([Option<(u16, u16)>; RANGES]);

impl Ports {
    /// All of them.
    pub const ALL: Self = {
        let mut ranges = [None; RANGES];
        ranges[0] = Some((1, u16::MAX));
        Self(ranges)
    };

    /// Whether this port is one of them.
    pub fn contain(&self, port: u16) -> bool {
        let mut ranges = self.0.iter().flatten();
        ranges.any(|(first, last)| (*first..=*last).contains(&port))
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut ranges = [None; RANGES];
        let mut free = ranges.iter_mut();
        for part in text.split(',') {
            let Some(free) = free.next() else {
                return Err(format!("more than {RANGES} ports and ranges"));
            };
            *free = Some(range(part.trim())?);
        }
        Ok(Self(ranges))
    }
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let port = |text: &str| match text.trim().parse() {
        Ok(0) | Err(_) => Err(format!("`{text}` is no port from 1 to 65535")),
        Ok(port) => Ok(port),
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(format!("`{text}` ends before it begins"));
    }
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ports_and_ranges_are_taken() {
        let ports: Ports = "25, 80,8000-8999".parse().unwrap();
        for (port, expected) in [
            (25, true),
            (26, false),
            (80, true),
            (8000, true),
            (8500, true),
            (8999, true),
            (9000, false),
        ] {
            assert_eq!(ports.contain(port), expected, "{port}");
            assert!(Ports::ALL.contain(port));
        }
    }

    #[test]
    fn what_is_no_port_is_named() {
        for (text, said) in [
            ("", "`` is no port"),
            ("http", "`http` is no port"),
            ("0", "`0` is no port"),
            ("65536", "`65536` is no port"),
            ("90-80", "`90-80` ends before"),
            ("80,", "`` is no port"),
            (&"1,".repeat(20), "more than 16"),
        ] {
            let error = text.parse::<Ports>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
