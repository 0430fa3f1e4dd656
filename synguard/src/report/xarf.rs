//! The report as XARF v4 (<https://xarf.org/docs/specification/>): types `ddos` and
//! `port_scan` of the category `connection`.
//!
//! XARF knows offenders only, so a notice cannot be written in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::finding::reasons;
use super::{Dossier, Evidence, Finding, Letter, Place, Reporter};
use crate::{Error, Result, text};

/// Of the specification that fields and types are taken from.
const VERSION: &str = "4.2.0";
/// `maxItems` of `evidence` in the core schema.
const MOST_SAMPLES: usize = 50;
/// `maxLength` of `description` in the core schema, in characters.
const LONGEST_DESCRIPTION: usize = 1000;

/// The report. `random` makes its identifier, a version 4 UUID (RFC 9562).
///
/// # Errors
///
/// [`Error::Refused`] for a notice, [`Error::Usage`] where nobody is named who
/// reports.
pub fn xarf(dossier: &Dossier, random: [u8; 16]) -> Result<Value> {
    if dossier.letter == Letter::Notice {
        return Err(Error::Refused(format!(
            "{} is probably a victim ({}), and XARF has no words but for offenders: the mail and \
             Markdown formats make a notice of it; --force accuses it all the same",
            dossier.source,
            dossier.main().class.label()
        )));
    }
    let reporter = dossier.reporter.as_ref().ok_or_else(|| {
        Error::Usage(
            "XARF names who reports: add --reporter with your mailbox, as in \
             --reporter abuse@example.org"
                .to_owned(),
        )
    })?;
    let mut fields = core(dossier, reporter, random);
    fields.extend(about(dossier, dossier.main()));
    Ok(Value::Object(fields))
}

fn core(dossier: &Dossier, reporter: &Reporter, random: [u8; 16]) -> Map<String, Value> {
    let who = json!({
        "org": reporter.organisation,
        "contact": reporter.email,
        "domain": reporter.domain(),
    });
    let main = dossier.main();
    let kind = match main.class {
        Finding::Scan => "port_scan",
        _ => "ddos",
    };
    object(json!({
        "xarf_version": VERSION,
        "report_id": uuid::Builder::from_random_bytes(random).into_uuid().to_string(),
        "timestamp": text::date(main.last_seen),
        "reporter": who,
        "sender": who,
        "source_identifier": dossier.source,
        "category": "connection",
        "type": kind,
        "evidence_source": match main.place {
            Place::Interface => "firewall_logs",
            Place::Capture => "traffic_monitoring",
        },
        "description": description(dossier, main),
        "evidence": evidence(main),
    }))
}

/// What the types `ddos` and `port_scan` add. Fields whose value is not known are
/// left out, as is a port 0, which the schema does not admit.
fn about(dossier: &Dossier, main: &Evidence) -> Map<String, Value> {
    let mut fields = object(json!({
        "protocol": "tcp",
        "first_seen": text::date(main.first_seen),
        "last_seen": text::date(main.last_seen),
    }));
    let known_port = |port: Option<u16>| port.filter(|port| *port != 0).map(Value::from);
    let to = main.destination_ports.first().map(|count| count.port);
    let mut optional = vec![
        ("source_port", known_port(main.source_port())),
        ("destination_port", known_port(to)),
        (
            "destination_ip",
            dossier.destination.map(|to| to.to_string().into()),
        ),
    ];
    if main.class != Finding::Scan {
        let peak = Some(main.peak_syns_per_second).filter(|peak| *peak != 0);
        optional.push(("attack_vector", Some("syn_flood".into())));
        optional.push(("peak_pps", peak.map(Value::from)));
        // Who only reads a capture does not know.
        let stopped = Some(main.is_stopped()).filter(|_| main.place == Place::Interface);
        optional.push(("mitigation_applied", stopped.map(Value::from)));
    }
    fields.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?))),
    );
    fields
}

fn description(dossier: &Dossier, main: &Evidence) -> String {
    let doubt = if main.class.is_probably_a_victim() {
        ". The address may be forged"
    } else {
        ""
    };
    let said = format!(
        "SynGuard {} {} {}: {}, class {}: {}; {} to port {}, {} completed{doubt}.",
        dossier.synguard_version,
        match main.place {
            Place::Interface => "on",
            Place::Capture => "reading the capture",
        },
        main.seen_by,
        main.class.meaning(),
        main.class.label(),
        reasons(main).join("; "),
        text::count(main.syns, "SYN", "SYNs"),
        text::list(main.destination_ports.iter().map(|count| count.port)),
        text::count(main.handshakes, "handshake", "handshakes"),
    );
    said.chars().take(LONGEST_DESCRIPTION).collect()
}

/// One item a packet: the line that a person reads, and the bytes.
fn evidence(main: &Evidence) -> Vec<Value> {
    let samples = main.samples.iter().take(MOST_SAMPLES);
    samples
        .map(|sample| {
            let text = format!("{}\n{}\n", sample.line(), sample.hex());
            json!({
                "content_type": "text/plain",
                "description": "A SYN as it came in: decoded, and its bytes in hexadecimal from the Ethernet header on",
                "payload": STANDARD.encode(&text),
                "size": text.len(),
            })
        })
        .collect()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::dossier::tests::{dossier, victim};

    const RANDOM: [u8; 16] = [0xff; 16];

    /// `required` of xarf-core.json, xarf_version 4.2.0.
    const CORE: [&str; 8] = [
        "xarf_version",
        "report_id",
        "timestamp",
        "reporter",
        "sender",
        "source_identifier",
        "category",
        "type",
    ];
    /// `required` of connection-ddos.json and connection-port-scan.json.
    const CONNECTION: [&str; 2] = ["protocol", "first_seen"];

    fn made(class: Finding) -> Value {
        let mut dossier = dossier();
        dossier.evidence[0].class = class;
        xarf(&dossier, RANDOM).unwrap()
    }

    fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
        let found = value.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no text at {pointer} in {value:#}"))
    }

    #[test]
    fn what_the_schema_requires_is_there() {
        for (class, kind) in [(Finding::Flood, "ddos"), (Finding::Scan, "port_scan")] {
            let report = made(class);
            for field in CORE.iter().chain(&CONNECTION) {
                assert!(!report[*field].is_null(), "no {field}: {report:#}");
            }
            assert_eq!(text(&report, "/type"), kind);
            assert_eq!(text(&report, "/category"), "connection");
            assert_eq!(text(&report, "/protocol"), "tcp");
        }
    }

    #[test]
    fn contacts_have_exactly_the_fields_of_the_schema() {
        let report = made(Finding::Flood);
        for who in ["reporter", "sender"] {
            let fields = report[who].as_object().unwrap();
            let mut names: Vec<_> = fields.keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["contact", "domain", "org"]);
        }
        assert_eq!(text(&report, "/sender/domain"), "home.example");
    }

    #[test]
    fn values_have_the_forms_of_the_schema() {
        let report = made(Finding::Flood);
        assert_eq!(
            text(&report, "/report_id"),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        for date in ["/timestamp", "/first_seen", "/last_seen"] {
            humantime::parse_rfc3339(text(&report, date)).unwrap();
        }
        assert_eq!(report["source_port"], 40_000);
        assert_eq!(report["destination_port"], 25);
        assert_eq!(report["peak_pps"], 4_300);
        assert_eq!(report["mitigation_applied"], true);
        assert!(text(&report, "/description").chars().count() <= 1000);
    }

    #[test]
    fn packets_are_evidence() {
        let report = made(Finding::Flood);
        let item = report["evidence"][0].as_object().unwrap();
        let allowed = ["content_type", "description", "payload", "hash", "size"];
        assert!(item.keys().all(|key| allowed.contains(&key.as_str())));
        let payload = STANDARD
            .decode(text(&report, "/evidence/0/payload"))
            .unwrap();
        assert_eq!(item["size"], payload.len());
        let payload = String::from_utf8(payload).unwrap();
        assert!(payload.contains("203.0.113.7:40000 > "), "{payload}");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let mut dossier = dossier();
        dossier.destination = None;
        let main = &mut dossier.evidence[0];
        main.samples.clear();
        main.source_ports.clear();
        main.peak_syns_per_second = 0;
        let report = xarf(&dossier, RANDOM).unwrap();
        for field in ["destination_ip", "source_port", "peak_pps"] {
            assert!(report.get(field).is_none(), "{field} in {report:#}");
        }
    }

    #[test]
    fn a_victim_is_not_accused() {
        let error = xarf(&victim(), RANDOM).unwrap_err();
        assert_eq!(error.exit_code(), 7);
        assert!(error.to_string().contains("probably a victim"), "{error}");
        let mut forced = victim();
        forced.letter = Letter::Complaint;
        let report = xarf(&forced, RANDOM).unwrap();
        assert!(text(&report, "/description").contains("may be forged"));
    }

    #[test]
    fn who_reports_must_be_named() {
        let mut dossier = dossier();
        dossier.reporter = None;
        let error = xarf(&dossier, RANDOM).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("--reporter"), "{error}");
    }
}
