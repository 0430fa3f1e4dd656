//! The report as a mail: headers, letter, facts and sample packets, ready for
//! `sendmail -t` or to be pasted into a form.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::facts::{Fact, about_the_report, of_evidence};
use super::letter::{opening, subject};
use super::{Dossier, Evidence, Place};

/// RFC 5322 section 2.1.1 asks for lines of at most 78 characters.
const WIDTH: usize = 76;

/// The mail. Without a contact its `To:` stays empty.
pub fn mail(dossier: &Dossier) -> String {
    let mut out = headers(dossier);
    out.push_str("\nHello,\n\n");
    for paragraph in opening(dossier) {
        let _ = writeln!(out, "{}\n", wrapped(&paragraph, ""));
    }
    out.push_str("Kind regards\n");
    if let Some(reporter) = &dossier.reporter {
        let _ = writeln!(out, "{}\n{}", reporter.organisation, reporter.email);
    }
    out.push_str("\n\nEvidence. All times are in UTC.\n\n");
    for evidence in &dossier.evidence {
        let _ = writeln!(out, "{}", table(&of_evidence(dossier, evidence)));
    }
    out.push_str(&table(&about_the_report(dossier)));
    for evidence in &dossier.evidence {
        out.push_str(&samples(evidence));
    }
    out
}

fn headers(dossier: &Dossier) -> String {
    let mut out = String::new();
    if let Some(reporter) = &dossier.reporter {
        let name = phrase(&reporter.organisation);
        let _ = writeln!(out, "From: {name} <{}>", reporter.email);
    }
    let to = dossier.contact.emails.join(", ");
    let _ = writeln!(out, "{}", format!("To: {to}").trim_end());
    let _ = writeln!(out, "Subject: {}", subject(dossier));
    out.push_str("MIME-Version: 1.0\n");
    out.push_str("Content-Type: text/plain; charset=utf-8\n");
    out.push_str("Content-Transfer-Encoding: 8bit\n");
    out
}

/// A name in a header: a quoted string (RFC 5322 section 3.2.4), or encoded words
/// where it is not ASCII (RFC 2047 section 2: at most 75 characters each).
fn phrase(name: &str) -> String {
    if name.is_ascii() {
        let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{escaped}\"");
    }
    let mut words = vec![String::new()];
    for character in name.chars() {
        let last = words.last_mut().expect("there is one from the start");
        if last.len() + character.len_utf8() > 45 {
            words.push(character.to_string());
        } else {
            last.push(character);
        }
    }
    let encoded: Vec<_> = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)))
        .collect();
    encoded.join("\n ")
}

fn table(facts: &[Fact]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value) in facts {
        let indent = " ".repeat(width + 2);
        let line = wrapped(&format!("{name:width$}: {value}"), &indent);
        let _ = writeln!(out, "{line}");
    }
    out
}

fn samples(evidence: &Evidence) -> String {
    if evidence.samples.is_empty() {
        return String::new();
    }
    let from = match evidence.place {
        Place::Interface => "as they came in on",
        Place::Capture => "the first in",
    };
    let mut out = format!("\nSample packets, {from} {}:\n\n", evidence.seen_by);
    for sample in &evidence.samples {
        let _ = writeln!(out, "{}", sample.line());
    }
    out
}

/// Breaks a line between words; those that follow begin with `indent`. Runs of
/// spaces before the first break, which line up a table, stay.
fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > indent.len() && column + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(indent);
            column = indent.len();
        } else if !out.is_empty() {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::dossier::tests::{dossier, victim};
    use crate::report::{Finding, Letter, Reporter};

    #[test]
    fn a_complaint_says_who_did_what_and_when() {
        let mail = mail(&dossier());
        for part in [
            "To: abuse@net.example, noc@net.example\n",
            "Subject: Abuse report: TCP SYN flood from 203.0.113.7, 2026-11-22T20:42:11Z\n",
            "203.0.113.7, an address in your network, is flooding our server",
            "All times are in UTC.",
            "Source port     : 40000 and others\n",
            "Destination     : 198.51.100.2\n",
            "Destination port: 25, 80, 443\n",
            "Handshakes      : 0 completed\n",
            "Banned          : 203.0.113.7, SYNs, since 2026-11-22T20:42:12Z, until",
            "Seen on         : eth0\n",
            "203.0.113.7:40000 > 192.0.2.2:25 SYN seq 7",
            "Kind regards\nExample Home\nme@home.example\n",
        ] {
            assert!(mail.contains(part), "no {part:?} in:\n{mail}");
        }
    }

    #[test]
    fn a_victim_is_not_accused() {
        let mail = mail(&victim());
        for part in ["Subject: Notice: ", "not a complaint", "source port 80"] {
            assert!(mail.contains(part), "no {part:?} in:\n{mail}");
        }
        for part in ["Abuse report", "flooding", "flooded", "stop it"] {
            assert!(!mail.contains(part), "{part:?} in:\n{mail}");
        }
    }

    #[test]
    fn a_forced_complaint_owns_its_doubt() {
        let mut dossier = victim();
        dossier.letter = Letter::Complaint;
        assert!(mail(&dossier).contains("may be forged"));
    }

    #[test]
    fn a_scan_is_called_one() {
        let mut dossier = dossier();
        dossier.evidence[0].class = Finding::Scan;
        let mail = mail(&dossier);
        assert!(
            mail.contains("Subject: Abuse report: TCP port scan from"),
            "{mail}"
        );
        assert!(
            mail.contains("203.0.113.7, an address in your network, is scanning the TCP ports"),
            "{mail}"
        );
    }

    #[test]
    fn without_a_contact_the_recipient_is_blank() {
        let mut dossier = dossier();
        dossier.contact.emails.clear();
        assert!(mail(&dossier).contains("\nTo:\nSubject:"));
    }

    #[test]
    fn lines_are_short_but_for_packets() {
        let mail = mail(&victim());
        let long = mail.lines().find(|line| {
            line.chars().count() > 78 && !line.contains(" > ") && !line.starts_with("Subject")
        });
        assert_eq!(long, None);
    }

    #[test]
    fn names_in_headers_are_encoded() {
        let name = |organisation: &str| {
            let mut dossier = dossier();
            dossier.reporter = Some(Reporter {
                organisation: organisation.to_owned(),
                email: "me@home.example".to_owned(),
            });
            let mail = mail(&dossier);
            mail.lines().next().unwrap().to_owned()
        };
        assert_eq!(name("A \"B\""), "From: \"A \\\"B\\\"\" <me@home.example>");
        assert_eq!(name("René"), "From: =?utf-8?B?UmVuw6k=?= <me@home.example>");
    }
}
