//! Dates as the files have them: `2026-11-23T04:37:12.123Z`.

use std::time::SystemTime;

use serde::{Deserialize as _, Deserializer, Serializer, de};

use crate::text;

/// For serde's `with`.
pub(super) fn serialize<S: Serializer>(date: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&text::exact_date(*date))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SystemTime, D::Error> {
    let text = <std::borrow::Cow<'_, str>>::deserialize(from)?;
    humantime::parse_rfc3339(&text).map_err(de::Error::custom)
}

/// The same for a date that may never come, which is null.
pub(super) mod or_never {
    use super::*;

    pub(in crate::saved) fn serialize<S: Serializer>(
        date: &Option<SystemTime>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match date {
            Some(date) => super::serialize(date, to),
            None => to.serialize_none(),
        }
    }

    pub(in crate::saved) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let text: Option<String> = Option::deserialize(from)?;
        text.map(|text| humantime::parse_rfc3339(&text).map_err(de::Error::custom))
            .transpose()
    }
}
