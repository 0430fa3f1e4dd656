//! An event as programs get it: a line of JSON, and for hooks the same as variables.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;

use super::Event;
use crate::text;

/// Of [`Record`]; raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What a variable's name begins with.
const PREFIX: &str = "SYNGUARD_";

/// An event with when and where.
#[derive(Serialize)]
struct Record<'a> {
    schema_version: u32,
    time: String,
    interface: &'a str,
    #[serde(flatten)]
    event: &'a Event,
}

/// An event, ready to be given away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// JSON, without the line's end.
    pub(super) line: String,
    /// Each field that is a text, a number or a boolean.
    pub(super) variables: Vec<(String, String)>,
}

impl Told {
    pub(super) fn new(
        time: SystemTime,
        interface: &str,
        event: &Event,
    ) -> serde_json::Result<Self> {
        let record = Record {
            schema_version: SCHEMA_VERSION,
            time: text::exact_date(time),
            interface,
            event,
        };
        let line = serde_json::to_string(&record)?;
        let fields = serde_json::to_value(&record)?;
        let fields = fields.as_object().into_iter().flatten();
        let variables = fields.filter_map(|(name, value)| {
            let value = match value {
                // The kernel ends a variable at a NUL.
                Value::String(text) => text.replace('\0', "\u{fffd}"),
                Value::Number(number) => number.to_string(),
                Value::Bool(whether) => whether.to_string(),
                _ => return None,
            };
            Some((format!("{PREFIX}{}", name.to_uppercase()), value))
        });
        Ok(Self {
            line,
            variables: variables.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::class::Class;
    use crate::events::Promoted;

    fn promoted() -> Event {
        Event::Promoted(Promoted {
            source: "5.39.90.132".to_owned(),
            class: Class::Reflection,
            ban: Duration::from_secs(600),
            dry_run: false,
            syns: 501,
            syns_per_second: 500,
            handshakes: 0,
            resets: 2,
            offence: 1,
            destination_ports: vec![443, 25],
            distinct_ports: 2,
            source_port: None,
            latency: Some(Duration::from_millis(4)),
        })
    }

    #[test]
    fn an_event_is_one_line_with_what_is_needed_to_read_it() {
        let time = UNIX_EPOCH + Duration::from_millis(1_234);
        let told = Told::new(time, "eth0", &promoted()).unwrap();
        assert!(!told.line.contains('\n'));
        let start = r#"{"schema_version":1,"time":"1970-01-01T00:00:01.234Z","interface":"eth0","event":"promoted","source":"5.39.90.132","class":"reflection","ban_seconds":600.0"#;
        assert!(told.line.starts_with(start), "{}", told.line);
        let value: Value = serde_json::from_str(&told.line).unwrap();
        assert_eq!(value["latency_seconds"], 0.004);
        assert!(value["source_port"].is_null());
    }

    #[test]
    fn plain_fields_are_variables() {
        let told = Told::new(UNIX_EPOCH, "eth0", &promoted()).unwrap();
        let get = |wanted: &str| {
            let mut all = told.variables.iter();
            all.find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(get("SYNGUARD_EVENT"), Some("promoted"));
        assert_eq!(get("SYNGUARD_SOURCE"), Some("5.39.90.132"));
        assert_eq!(get("SYNGUARD_SYNS"), Some("501"));
        assert_eq!(get("SYNGUARD_DRY_RUN"), Some("false"));
        assert_eq!(get("SYNGUARD_DESTINATION_PORTS"), None);
        assert_eq!(get("SYNGUARD_SOURCE_PORT"), None);
    }
}
