//! What the body of a set says about its elements.

use std::time::Duration;

use super::super::hint::shown;
use super::element::duration;

const ADDRESS_TYPES: [&str; 6] = [
    "ipv4_addr",
    "ipv6_addr",
    "ip saddr",
    "ip daddr",
    "ip6 saddr",
    "ip6 daddr",
];

pub(super) struct Set<'a> {
    pub(super) name: &'a [u8],
    /// For how long elements stay that do not say so themselves.
    pub(super) timeout: Option<Duration>,
    refused: Option<String>,
    listed: bool,
}

impl<'a> Set<'a> {
    pub(super) const fn new(name: &'a [u8]) -> Self {
        Self {
            name,
            timeout: None,
            refused: None,
            listed: false,
        }
    }

    /// Takes in a statement of the body, such as `type ipv4_addr`.
    pub(super) fn describe(&mut self, statement: &[&[u8]]) -> Result<(), String> {
        match statement {
            [b"type" | b"typeof", ..] | [b"timeout", _] if self.listed => {
                return Err("type and timeout belong before the elements".to_owned());
            }
            [b"type" | b"typeof", kind @ ..] => {
                let kind = shown(&kind.join(b" ".as_slice()));
                self.refused =
                    (!ADDRESS_TYPES.contains(&kind.as_str())).then(|| self.refusal(&kind));
            }
            [b"timeout", time] => self.timeout = duration(time)?,
            _ => (),
        }
        Ok(())
    }

    fn refusal(&self, kind: &str) -> String {
        format!(
            "set {} holds {kind}, not addresses: print only the sets you want, with `nft list set`",
            shown(self.name)
        )
    }

    /// The elements begin: for how long they stay, or why they are not read.
    pub(super) fn list(&mut self) -> Result<Option<Duration>, String> {
        self.listed = true;
        self.refused.take().map_or(Ok(self.timeout), Err)
    }
}
