//! RDAP answers about addresses (RFC 9083), with contacts as jCards (RFC 7095).

use serde_json::Value;

use super::{Named, email};

/// Entities lie in entities; nobody needs more of them in each other.
const DEPTH: usize = 8;

/// What an answer names.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn parse(text: &[u8]) -> Result<Named, String> {
    let answer: Value =
        serde_json::from_slice(text).map_err(|error| format!("the answer is no JSON: {error}"))?;
    if let Some(code) = answer["errorCode"].as_u64() {
        let title = answer["title"].as_str().and_then(email::name);
        return Err(format!(
            "the answer is error {code}: {}",
            title.as_deref().unwrap_or("without a reason")
        ));
    }
    if answer["objectClassName"] != "ip network" {
        return Err("the answer is about no network (RFC 9083 section 5.4)".to_owned());
    }
    let mut emails = Vec::new();
    collect(&answer["entities"], DEPTH, &mut emails);
    let name = ["name", "handle"]
        .iter()
        .find_map(|field| answer[*field].as_str());
    Ok(Named {
        emails,
        network: name.and_then(email::name),
    })
}

/// Mailboxes of entities whose role is abuse, wherever they lie: some registries put
/// them into the entity of the registrant.
fn collect(entities: &Value, depth: usize, emails: &mut Vec<String>) {
    let entities = entities.as_array().map(Vec::as_slice).unwrap_or_default();
    for entity in entities.iter().take_while(|_| depth > 0) {
        let mut roles = entity["roles"].as_array().into_iter().flatten();
        if roles.any(|role| role == "abuse") {
            emails.extend(mailboxes(&entity["vcardArray"]));
        }
        collect(&entity["entities"], depth - 1, emails);
    }
}

/// `["vcard", [["email", {}, "text", "abuse@example.net"], …]]`.
fn mailboxes(card: &Value) -> impl Iterator<Item = String> {
    let properties = card[1].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_email = |property: &&Value| {
        let name = property[0].as_str();
        name.is_some_and(|name| name.eq_ignore_ascii_case("email"))
    };
    properties
        .iter()
        .filter(is_email)
        .filter_map(|property| email::parse(property[3].as_str()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn card(emails: &[&str]) -> Value {
        let mut properties = vec![json!(["version", {}, "text", "4.0"])];
        for email in emails {
            properties.push(json!(["email", {"pref": "1"}, "text", email]));
        }
        json!(["vcard", properties])
    }

    fn entity(roles: &[&str], emails: &[&str], inside: &[Value]) -> Value {
        json!({"objectClassName": "entity", "roles": roles, "vcardArray": card(emails), "entities": inside})
    }

    fn network(entities: &[Value]) -> Value {
        json!({"objectClassName": "ip network", "name": "EXAMPLE-NET", "entities": entities})
    }

    fn emails(answer: &Value) -> Vec<String> {
        parse(answer.to_string().as_bytes()).unwrap().emails
    }

    #[test]
    fn abuse_contacts_are_found_wherever_they_lie() {
        let abuse = entity(&["technical", "abuse"], &["abuse@example.net"], &[]);
        let registrant = entity(
            &["registrant"],
            &["boss@example.net"],
            std::slice::from_ref(&abuse),
        );
        for entities in [vec![abuse], vec![registrant]] {
            assert_eq!(emails(&network(&entities)), ["abuse@example.net"]);
        }
    }

    #[test]
    fn several_are_kept_in_order() {
        let first = entity(&["abuse"], &["b@example.net", "a@example.net"], &[]);
        let second = entity(&["abuse"], &["mißbrauch@müller.example"], &[]);
        assert_eq!(
            emails(&network(&[first, second])),
            ["b@example.net", "a@example.net", "mißbrauch@müller.example"]
        );
    }

    #[test]
    fn who_has_another_role_is_not_written_to() {
        let technical = entity(&["technical"], &["noc@example.net"], &[]);
        assert_eq!(emails(&network(&[technical])), [""; 0]);
    }

    #[test]
    fn what_is_no_mailbox_is_left_out() {
        let abuse = entity(
            &["abuse"],
            &["a@example.net\nBcc: b@example.net", "call us"],
            &[],
        );
        assert_eq!(emails(&network(&[abuse])), [""; 0]);
    }

    #[test]
    fn odd_shapes_name_nobody() {
        for odd in [
            json!(7),
            json!([7]),
            json!({"roles": "abuse"}),
            json!([{"roles": ["abuse"], "vcardArray": [1, 2]}]),
        ] {
            let answer =
                json!({"objectClassName": "ip network", "handle": "NET-1", "entities": odd});
            let named = parse(answer.to_string().as_bytes()).unwrap();
            assert_eq!(
                named,
                Named {
                    emails: Vec::new(),
                    network: Some("NET-1".to_owned())
                }
            );
        }
    }

    #[test]
    fn entities_without_end_are_given_up() {
        let mut nested = entity(&["abuse"], &["deep@example.net"], &[]);
        for _ in 0..20 {
            nested = entity(&[], &[], &[nested]);
        }
        assert_eq!(emails(&network(&[nested])), [""; 0]);
    }

    #[test]
    fn other_answers_are_named() {
        for (text, words) in [
            ("<html>", "no JSON"),
            ("{}", "about no network"),
            (r#"{"objectClassName": "domain"}"#, "about no network"),
            (
                r#"{"errorCode": 404, "title": "Not found"}"#,
                "error 404: Not found",
            ),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).unwrap_err().contains("no JSON"));
    }
}
