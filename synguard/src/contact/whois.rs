//! Whois answers (RFC 3912), which every registry writes in its own form.

use super::{Named, WhoisServer, email};

/// The port that whois is assigned.
pub(super) const PORT: u16 = 43;

/// What an answer says: whom it names, and who knows more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Mailboxes for abuse, and the network's name.
    pub named: Named,
    /// The server that it refers to.
    pub refer: Option<WhoisServer>,
}

/// Reads an answer.
///
/// Mailboxes: `abuse-mailbox:` and `% Abuse contact for '…' is '…'` (RIPE, APNIC,
/// AFRINIC), `OrgAbuseEmail:` and its like (ARIN), and the `e-mail:` of the person
/// that `abuse-c:` names (LACNIC, and others where there is nothing better).
/// Referrals: `refer:` (IANA), `ReferralServer: whois://` (ARIN), `whois:`.
pub(super) fn parse(text: &str) -> Answer {
    let mut told = Vec::new();
    let mut answer = Answer::default();
    for line in text.lines() {
        if let Some(mailbox) = remark(line) {
            told.push(mailbox);
        }
        let Some((field, value)) = field(line) else {
            continue;
        };
        match field.to_ascii_lowercase().as_str() {
            "abuse-mailbox" | "orgabuseemail" | "rabuseemail" | "rnocabuseemail" => {
                told.extend(email::parse(value));
            }
            "refer" | "whois" | "referralserver" => {
                answer.refer = answer.refer.or_else(|| referral(value));
            }
            "netname" | "owner" => {
                answer.named.network = answer.named.network.or_else(|| email::name(value));
            }
            _ => {}
        }
    }
    if told.is_empty() {
        told = of_abuse_handle(text);
    }
    answer.named.emails = told;
    answer
}

/// What to send. ARIN takes an address for a name unless told that it is a network.
pub(super) fn question(server: &WhoisServer, address: std::net::IpAddr) -> String {
    if server.host.eq_ignore_ascii_case("whois.arin.net") {
        format!("n + {address}\r\n")
    } else {
        format!("{address}\r\n")
    }
}

fn field(line: &str) -> Option<(&str, &str)> {
    let (field, value) = line.split_once(':')?;
    let value = value.trim();
    (!field.starts_with(['%', '#']) && !value.is_empty()).then_some((field.trim(), value))
}

/// `% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@example.net'`.
fn remark(line: &str) -> Option<String> {
    let line = line.strip_prefix('%')?.trim();
    let (_, contact) = line
        .strip_prefix("Abuse contact for ")?
        .split_once(" is ")?;
    email::parse(contact.trim().trim_matches('\''))
}

/// `whois.example.net`, `whois://whois.example.net:4343`. Others, as rwhois, are not
/// spoken.
fn referral(value: &str) -> Option<WhoisServer> {
    let server = match value.split_once("://") {
        Some((scheme, server)) if scheme.eq_ignore_ascii_case("whois") => server,
        Some(_) => return None,
        None => value,
    };
    server.trim_end_matches('/').parse().ok()
}

/// The mailboxes in the blocks whose `nic-hdl` (LACNIC: `nic-hdl-br`, too) is one that
/// an `abuse-c` names.
fn of_abuse_handle(text: &str) -> Vec<String> {
    let values = |text: &str, wanted: &str| -> Vec<String> {
        let fields = text.lines().filter_map(field);
        let fields = fields.filter(|(field, _)| field.eq_ignore_ascii_case(wanted));
        fields.map(|(_, value)| value.to_owned()).collect()
    };
    let handles = values(text, "abuse-c");
    let text = text.replace("\r\n", "\n");
    let blocks = text.split("\n\n").filter(|block| {
        let mut names = values(block, "nic-hdl");
        names.extend(values(block, "nic-hdl-br"));
        names.iter().any(|name| handles.contains(name))
    });
    blocks
        .flat_map(|block| values(block, "e-mail"))
        .filter_map(|value| email::parse(&value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIPE: &str = "\
% Abuse contact for '192.0.2.0 - 192.0.2.255' is 'abuse@ripe-like.example'

inetnum:        192.0.2.0 - 192.0.2.255
netname:        EXAMPLE-NET
abuse-c:        AR1-EXAMPLE

role:           Abuse Role
abuse-mailbox:  abuse@ripe-like.example
nic-hdl:        AR1-EXAMPLE
";
    const ARIN: &str = "\
# made up in the form of ARIN's
NetRange:       192.0.2.0 - 192.0.2.255
NetName:        EXAMPLE-2
ReferralServer: rwhois://rwhois.example.net:4321
OrgTechEmail:   noc@arin-like.example
OrgAbuseEmail:  abuse@arin-like.example
";
    const APNIC: &str = "\
% Abuse contact for '198.51.100.0 - 198.51.100.255' is 'abuse@apnic-like.example'

irt:            IRT-EXAMPLE
e-mail:         noc@apnic-like.example
abuse-mailbox:  abuse@apnic-like.example
abuse-mailbox:  abuse2@apnic-like.example
";
    const LACNIC: &str = "\
inetnum:     203.0.113.0/24
owner:       Exemplo Ltda
abuse-c:     ABE1
tech-c:      TEC1

nic-hdl:     TEC1
e-mail:      tech@lacnic-like.example

nic-hdl:     ABE1
e-mail:      abuse@lacnic-like.example
";
    const AFRINIC: &str = "\
% No abuse contact registered for 198.51.100.0 - 198.51.100.255

inetnum:        198.51.100.0 - 198.51.100.255
netname:        EXAMPLE-AF
tech-c:         TC1-AF
person:         Nobody
e-mail:         tech@afrinic-like.example
nic-hdl:        TC1-AF
";

    #[test]
    fn the_registries_forms_are_read() {
        for (text, network, expected) in [
            (
                RIPE,
                "EXAMPLE-NET",
                &["abuse@ripe-like.example", "abuse@ripe-like.example"][..],
            ),
            (ARIN, "EXAMPLE-2", &["abuse@arin-like.example"]),
            (LACNIC, "Exemplo Ltda", &["abuse@lacnic-like.example"]),
            (AFRINIC, "EXAMPLE-AF", &[]),
        ] {
            let answer = parse(text);
            assert_eq!(answer.named.emails, expected);
            assert_eq!(answer.named.network.as_deref(), Some(network));
            assert_eq!(answer.refer, None);
            assert_eq!(parse(&text.replace('\n', "\r\n")), answer);
        }
        let emails = parse(APNIC).named.emails;
        assert!(
            emails.contains(&"abuse2@apnic-like.example".to_owned()),
            "{emails:?}"
        );
    }

    #[test]
    fn referrals_are_followed_where_they_can_be() {
        for (line, expected) in [
            (
                "refer:        whois.example.net",
                Some("whois.example.net:43"),
            ),
            (
                "whois:        whois.example.net",
                Some("whois.example.net:43"),
            ),
            (
                "ReferralServer:  whois://whois.example.net:4343/",
                Some("whois.example.net:4343"),
            ),
            ("ReferralServer:  rwhois://rwhois.example.net:4321", None),
            ("refer:", None),
            ("refer: not a host", None),
            ("refer: whois.example.net:0", None),
        ] {
            let refer = parse(line).refer.map(|server| server.to_string());
            assert_eq!(refer.as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn garbage_names_nobody() {
        for text in [
            "",
            ":",
            "%",
            "abuse-mailbox: call us",
            "\u{0}\u{fffd}:\u{1b}",
        ] {
            assert_eq!(parse(text), Answer::default(), "{text:?}");
        }
    }

    #[test]
    fn arin_is_told_that_it_is_a_network() {
        let address = "192.0.2.1".parse().unwrap();
        for (server, expected) in [
            ("whois.arin.net", "n + 192.0.2.1\r\n"),
            ("whois.example.net", "192.0.2.1\r\n"),
        ] {
            assert_eq!(question(&server.parse().unwrap(), address), expected);
        }
    }
}
