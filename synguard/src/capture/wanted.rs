//! Which packets somebody wants to see.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use ipnet::IpNet;
use synguard_common::abi::CaptureFilter;
use synguard_common::source::{Address, SourceMask};
use synguard_common::verdict::{Reason, Verdict};

use crate::address;

/// Reads a reason by its name in `status`.
pub fn parse_reason() -> impl TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.map(Reason::label)).map(|label| {
        let mut all = Reason::ALL.into_iter();
        all.find(|reason| reason.label() == label)
            .unwrap_or(Reason::NotIp)
    })
}

/// What to tell the packet path: packets of one source or of all, counted under these
/// reasons. Without any it is those that matter: SYNs, and what is dropped.
pub fn filter(source: Option<&IpNet>, reasons: &[Reason]) -> CaptureFilter {
    let matters = |reason: &Reason| reason.is_syn() || reason.verdict() == Verdict::Drop;
    let bits = |reasons: &mut dyn Iterator<Item = Reason>| {
        reasons.fold(0, |bits, reason| bits | 1_u64 << reason as u32)
    };
    let reasons = if reasons.is_empty() {
        bits(&mut Reason::ALL.into_iter().filter(matters))
    } else {
        bits(&mut reasons.iter().copied())
    };
    let (prefix, mask) = source.map_or_else(Default::default, key_and_mask);
    CaptureFilter {
        prefix,
        mask,
        reasons,
        session: 0,
    }
}

/// A prefix as keys of sources have it, where IPv4 lies within IPv6.
fn key_and_mask(net: &IpNet) -> ([u32; 4], [u32; 4]) {
    let bits = u32::from(net.prefix_len());
    let mask = match net {
        IpNet::V4(_) => SourceMask::new(0, 96 + bits),
        IpNet::V6(_) => SourceMask::new(0, bits),
    };
    let whole = Address::V6(address::to_words(net.network()).key());
    (whole.masked(&mask).key(), mask.v6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(net: &str, address: &str) -> bool {
        let net: IpNet = net.parse().unwrap();
        let address = address::to_words(address.parse().unwrap());
        filter(Some(&net), &[]).wants_source(address)
    }

    #[test]
    fn a_source_is_a_prefix_of_either_family() {
        for (net, address, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.0/23", "192.0.3.0", true),
            ("192.0.2.7/32", "192.0.2.7", true),
            ("192.0.2.7/32", "192.0.2.6", false),
            ("0.0.0.0/1", "127.0.0.1", true),
            ("0.0.0.0/1", "::1", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("2001:db8::1/128", "2001:db8::1", true),
            ("::/1", "2001:db8::1", true),
        ] {
            assert_eq!(wants(net, address), expected, "{address} in {net}");
        }
        assert!(filter(None, &[]).wants_source(Address::UNSPECIFIED));
    }

    #[test]
    fn without_reasons_it_is_what_matters() {
        let usual = filter(None, &[]);
        for (reason, expected) in [
            (Reason::SynCounted, true),
            (Reason::SynAnswered, true),
            (Reason::DroppedBan, true),
            (Reason::DroppedAll, true),
            (Reason::NotSyn, false),
            (Reason::NotIp, false),
        ] {
            assert_eq!(usual.wants_reason(reason as u32), expected, "{reason:?}");
        }
        let one = filter(None, &[Reason::NotIp]);
        assert_eq!(one.reasons, 1);
    }

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let mut labels = Reason::ALL.map(Reason::label);
        labels.sort_unstable();
        assert!(labels.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
