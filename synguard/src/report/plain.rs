//! Values as JSON shows them: dates in ISO 8601, prefixes as people write them,
//! bytes in hexadecimal.

use std::fmt::Write as _;
use std::time::SystemTime;

use ipnet::IpNet;
use serde::Serializer;

use crate::{address, text};

pub(super) fn date<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&text::date(*time))
}

pub(super) fn maybe_date<S: Serializer>(
    time: &Option<SystemTime>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => date(time, to),
        None => to.serialize_none(),
    }
}

pub(super) fn exact_date<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&humantime::format_rfc3339_micros(*time))
}

pub(super) fn net<S: Serializer>(net: &IpNet, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&address::show(net))
}

pub(super) fn bytes<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&hex(bytes))
}

/// Two digits a byte, without spaces.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
