//! What the letter says: a complaint to who owns an offender, a notice to who owns a
//! victim's address.

use serde::Serialize;

use super::{Dossier, Evidence, Finding, Place};
use crate::{Error, Result, text};

/// What kind of letter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Letter {
    /// The address attacked.
    Complaint,
    /// Others pretend to be the address.
    Notice,
}

/// Chooses the letter that the evidence allows; `force` makes it a complaint.
///
/// # Errors
///
/// [`Error::Refused`] where there is nothing to complain of.
pub fn letter(evidence: &Evidence, shown: &str, force: bool) -> Result<Letter> {
    let class = evidence.class;
    if force || class.is_an_offence() {
        return Ok(Letter::Complaint);
    }
    if class.is_probably_a_victim() {
        return Ok(Letter::Notice);
    }
    let stricter = match evidence.place {
        Place::Interface => "",
        Place::Capture => "a lower --syn-rate, over a longer --window, might make one; ",
    };
    Err(Error::Refused(format!(
        "{shown} did nothing that an abuse desk could act on: {}, {} completed, and no ban; \
         {stricter}--force complains all the same",
        text::count(evidence.syns, "SYN", "SYNs"),
        text::count(evidence.handshakes, "handshake", "handshakes"),
    )))
}

pub(super) fn subject(dossier: &Dossier) -> String {
    let (source, date) = (&dossier.source, text::date(dossier.main().first_seen));
    match (dossier.letter, dossier.main().class) {
        (Letter::Notice, _) => {
            let is = match dossier.main().place {
                Place::Interface => "is being",
                Place::Capture => "was",
            };
            format!("Notice: {source} {is} forged as the source of TCP SYNs, {date}")
        }
        (Letter::Complaint, Finding::Scan) => {
            format!("Abuse report: TCP port scan from {source}, {date}")
        }
        (Letter::Complaint, _) => format!("Abuse report: TCP SYN flood from {source}, {date}"),
    }
}

/// The paragraphs before the facts.
pub(super) fn opening(dossier: &Dossier) -> Vec<String> {
    match dossier.letter {
        Letter::Notice => notice(dossier),
        Letter::Complaint => complaint(dossier),
    }
}

fn complaint(dossier: &Dossier) -> Vec<String> {
    let (source, main) = (&dossier.source, dossier.main());
    let (does, did) = match main.class {
        Finding::Scan => ("is scanning the TCP ports of", "scanned the TCP ports of"),
        _ => ("is flooding", "flooded"),
    };
    let with = match main.class {
        Finding::Scan => "",
        _ => " with TCP SYNs",
    };
    let verb = if main.goes_on() { does } else { did };
    let mut paragraphs = vec![
        format!("{source}, an address in your network, {verb} our server{with}."),
        "Please look into it and stop it. The host behind the address may well have been taken \
         over. Tell us if you need more."
            .to_owned(),
    ];
    if main.class.is_probably_a_victim() {
        paragraphs.push(format!(
            "The address may be forged ({}): please compare with your flow records first.",
            main.class.meaning()
        ));
    } else if main.handshakes == 0 {
        paragraphs.push(
            "No connection was completed, so the address is not proven: your flow records for the \
             times below show whether the packets left your network."
                .to_owned(),
        );
    }
    paragraphs
}

fn notice(dossier: &Dossier) -> Vec<String> {
    let source = &dossier.source;
    let stopped = if dossier.main().is_stopped() {
        " We drop these SYNs, and so send no more answers, while the ban below lasts."
    } else {
        ""
    };
    let (sends, go) = match dossier.main().place {
        Place::Interface => ("sends", "go"),
        Place::Capture => ("sent", "went"),
    };
    vec![
        format!(
            "This is a notice, not a complaint: {source}, an address in your network, is probably \
             the victim of an attack, and we do not think that it attacked us."
        ),
        format!(
            "Somebody {sends} our server TCP SYNs with {source} forged as their source, so that our \
             answers (SYN-ACKs) {go} there. Other servers are probably used in the same way.{stopped}"
        ),
        "If that host sees SYN-ACKs that it did not ask for, this is where they come from: \
         there is nothing wrong with it, and nobody should block it. If you can trace forged \
         packets, or know of a network that lets them out (BCP 38), we would be glad to hear of it."
            .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::dossier::tests::evidence;

    fn chosen(class: Finding, force: bool) -> Result<Letter> {
        let seen = Evidence {
            class,
            ..evidence()
        };
        letter(&seen, "203.0.113.7", force)
    }

    #[test]
    fn only_offenders_are_accused_unless_forced() {
        for (class, expected) in [
            (Finding::Flood, Letter::Complaint),
            (Finding::Scan, Letter::Complaint),
            (Finding::Reflection, Letter::Notice),
            (Finding::Spoofed, Letter::Notice),
        ] {
            assert_eq!(chosen(class, false).unwrap(), expected);
            assert_eq!(chosen(class, true).unwrap(), Letter::Complaint);
        }
    }

    #[test]
    fn who_did_nothing_is_left_alone() {
        let error = chosen(Finding::Nothing, false).unwrap_err();
        assert_eq!(error.exit_code(), 7);
        assert!(error.to_string().contains("--force"), "{error}");
        assert!(chosen(Finding::Nothing, true).is_ok());
    }
}
