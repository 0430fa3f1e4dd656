//! What a report is asked about, as sources are counted.

use ipnet::IpNet;
use synguard_common::source::SourceMask;

use crate::{Error, Result, address};

/// The source that an address or a prefix is counted with.
///
/// # Errors
///
/// [`Error::Usage`] where it holds more than one.
pub fn counted_as(subject: &IpNet, mask: &SourceMask) -> Result<IpNet> {
    let whole = address::source_net(address::to_words(subject.addr()), mask);
    if subject.prefix_len() < whole.prefix_len() {
        return Err(Error::Usage(format!(
            "{subject} holds many sources: report one of them, as `synguard status` and \
             `synguard replay` show them"
        )));
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_reported_at_a_time() {
        let mask = SourceMask::new(24, 64);
        for (subject, expected) in [
            ("192.0.2.7/32", Some("192.0.2.0/24")),
            ("192.0.2.0/24", Some("192.0.2.0/24")),
            ("192.0.0.0/16", None),
            ("2001:db8::1/128", Some("2001:db8::/64")),
            ("2001:db8::/63", None),
        ] {
            let counted = counted_as(&subject.parse().unwrap(), &mask);
            match expected {
                Some(net) => assert_eq!(counted.unwrap(), net.parse().unwrap(), "{subject}"),
                None => assert_eq!(counted.unwrap_err().exit_code(), 2, "{subject}"),
            }
        }
    }
}
