//! The report as Markdown, for a ticket or one's own files.

use std::fmt::Write as _;

use super::facts::{Fact, about_the_report, of_evidence};
use super::letter::{opening, subject};
use super::{Dossier, Evidence, Sample};
use crate::text;

/// The report, with the contact and how it was found, and with packets in
/// hexadecimal.
pub fn markdown(dossier: &Dossier) -> String {
    let mut out = format!("# {}\n\n", escaped(&subject(dossier)));
    for paragraph in opening(dossier) {
        let _ = writeln!(out, "{}\n", escaped(&paragraph));
    }
    out.push_str("All times are in UTC.\n");
    for evidence in &dossier.evidence {
        section(&mut out, "Evidence", &of_evidence(dossier, evidence));
        samples(&mut out, evidence);
    }
    section(&mut out, "Abuse contact", &contact(dossier));
    section(&mut out, "This report", &about_the_report(dossier));
    out
}

fn section(out: &mut String, title: &str, facts: &[Fact]) {
    let _ = write!(out, "\n## {title}\n\n| | |\n| --- | --- |\n");
    for (name, value) in facts {
        let _ = writeln!(out, "| {name} | {} |", escaped(value));
    }
}

fn contact(dossier: &Dossier) -> Vec<Fact> {
    let contact = &dossier.contact;
    let mut facts = vec![("Mailbox", text::list(&contact.emails))];
    if let Some(network) = &contact.network {
        facts.push(("Network", network.clone()));
    }
    if let Some(found) = &contact.found_by {
        facts.push(("Found by", found.clone()));
    }
    facts.extend(
        contact
            .problems
            .iter()
            .map(|problem| ("Not found because", problem.clone())),
    );
    facts
}

fn samples(out: &mut String, evidence: &Evidence) {
    if evidence.samples.is_empty() {
        return;
    }
    let zeros = if evidence.samples.iter().all(Sample::has_link_addresses) {
        ""
    } else {
        " (zeros where the capture has no link addresses)"
    };
    let _ = write!(
        out,
        "\nSample packets, each with its bytes from the Ethernet header{zeros} on:\n\n```\n"
    );
    for sample in &evidence.samples {
        let _ = writeln!(out, "{}\n    {}", sample.line(), sample.hex());
    }
    out.push_str("```\n");
}

/// What stands for itself: names from elsewhere shall not become markup.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if "\\`*_[]<>|#&".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::dossier::tests::dossier;

    #[test]
    fn facts_contact_and_packets_are_there() {
        let markdown = markdown(&dossier());
        for part in [
            "# Abuse report: TCP SYN flood from 203.0.113.7, 2026-11-22T20:42:11Z\n",
            "| Handshakes | 0 completed |\n",
            "| Mailbox | abuse@net.example, noc@net.example |\n",
            "| Network | EXAMPLE-NET |\n",
            "\n    0200",
        ] {
            assert!(markdown.contains(part), "no {part:?} in:\n{markdown}");
        }
    }

    #[test]
    fn names_from_elsewhere_are_no_markup() {
        let mut dossier = dossier();
        dossier.contact.network = Some("A | <b>[x](y)</b>".to_owned());
        let markdown = markdown(&dossier);
        assert!(
            markdown.contains(r"| A \| \<b\>\[x\](y)\</b\> |"),
            "{markdown}"
        );
    }
}
