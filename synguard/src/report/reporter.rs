//! Who reports.

use serde::Serialize;

use crate::contact::email;

/// Who reports, as XARF and the signature name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reporter {
    /// A person or an organisation.
    pub organisation: String,
    /// Where to answer to.
    pub email: String,
}

impl Reporter {
    /// Without a name, the domain of the mailbox stands for it.
    pub fn new(email: String, organisation: Option<String>) -> Self {
        Self {
            organisation: organisation.unwrap_or_else(|| email::domain(&email).to_owned()),
            email,
        }
    }

    /// The domain of the mailbox.
    pub fn domain(&self) -> &str {
        email::domain(&self.email)
    }
}

/// Reads a mailbox that a person gave.
///
/// # Errors
///
/// Where it is none.
pub fn parse_email(text: &str) -> Result<String, String> {
    email::parse(text).ok_or_else(|| format!("{text:?} is no mailbox: write abuse@example.org"))
}

/// Reads the name of an organisation or a person. 200 characters is what XARF
/// leaves room for (`contact_info.org` of its core schema).
///
/// # Errors
///
/// Where it is empty, too long, or would break a line.
pub fn parse_organisation(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err("a name has 1 to 200 characters, in one line".to_owned());
    }
    Ok(name.to_owned())
}
