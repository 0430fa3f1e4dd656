//! Which of this host's addresses was hit, as the other side's flow records show
//! it.

use std::net::IpAddr;

use super::{Evidence, Sample};
use crate::contact::special_purpose;

/// The address that the packets were sent to: `given` by a person, or what the
/// samples show, or the only public address that this host has in the family of
/// the source. The address inside a home network is none that a provider could look
/// for: better no address than that.
pub fn destination(given: Option<IpAddr>, seen: &[Evidence], own: &[IpAddr]) -> Option<IpAddr> {
    let is_public = |address: &IpAddr| special_purpose(*address).is_none();
    let sampled = || {
        let samples = seen.iter().flat_map(|evidence| &evidence.samples);
        samples.filter_map(Sample::destination).find(is_public)
    };
    given.or_else(sampled).or_else(|| {
        let is_v4 = seen.first()?.source.addr().is_ipv4();
        let mut fit = own
            .iter()
            .filter(|address| address.is_ipv4() == is_v4 && is_public(address));
        let first = fit.next().copied();
        first.filter(|first| fit.all(|other| other == first))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::dossier::tests::evidence;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_an_address_that_the_other_side_can_have_seen_is_told() {
        let seen = [evidence()];
        for (own, expected) in [
            (&["127.0.0.1", "192.168.0.2"][..], None),
            (&["8.8.4.4", "192.168.0.2", "2a00::1"], Some("8.8.4.4")),
            (&["8.8.4.4", "8.8.4.5"], None),
        ] {
            let found = destination(None, &seen, &addresses(own));
            assert_eq!(found, expected.map(|text| text.parse().unwrap()), "{own:?}");
        }
    }

    #[test]
    fn a_person_knows_best() {
        let given = "9.9.9.9".parse().ok();
        let own = addresses(&["8.8.4.4"]);
        assert_eq!(destination(given, &[evidence()], &own), given);
    }
}
