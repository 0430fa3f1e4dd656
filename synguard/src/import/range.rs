//! A range of addresses as the fewest prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpSubnets, Ipv4Subnets, Ipv6Subnets};

use super::hint::{self, shown};

const LAST_V6: Ipv6Addr = Ipv6Addr::from_bits(u128::MAX);

/// The prefixes that cover a range, `first` and `last` included.
///
/// `text` is the whole range as it was written, for errors.
pub(super) fn prefixes(text: &str, first: &str, last: &str) -> Result<IpSubnets, String> {
    let what = || shown(text.as_bytes());
    let no_range = |part: &str| {
        let part = shown(part.trim().as_bytes());
        format!("{} is no range: {part} is no address", what())
    };
    match (address(first), address(last)) {
        (Some(first), Some(last)) => {
            subnets(first, last).map_err(|why| format!("{} {why}", what()))
        }
        (Some(_), None) => Err(no_range(last)),
        (None, Some(_)) => Err(no_range(first)),
        // A name may hold a dash too.
        (None, None) => Err(hint::of(text)
            .unwrap_or_else(|| format!("{} is no address, no prefix and no range", what()))),
    }
}

fn address(part: &str) -> Option<IpAddr> {
    let address: IpAddr = part.trim().parse().ok()?;
    Some(address.to_canonical())
}

fn subnets(first: IpAddr, last: IpAddr) -> Result<IpSubnets, String> {
    let subnets = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => Ipv4Subnets::new(first, last, 0).into(),
        (IpAddr::V6(first), IpAddr::V6(last)) => Ipv6Subnets::new(first, last, 0).into(),
        _ => return Err("mixes IPv4 and IPv6: write one range of each".to_owned()),
    };
    if first > last {
        return Err(format!("is backwards: write {last}-{first}"));
    }
    if first.is_unspecified() && (last == Ipv4Addr::BROADCAST || last == LAST_V6) {
        return Err("is every address there is: name something narrower".to_owned());
    }
    Ok(subnets)
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;
    use proptest::prelude::*;

    use super::*;

    fn cover(text: &str) -> Result<Vec<IpNet>, String> {
        let (first, last) = text.split_once('-').unwrap();
        prefixes(text, first, last).map(Iterator::collect)
    }

    #[test]
    fn a_range_is_the_fewest_prefixes() {
        for (text, expected) in [
            ("192.0.2.7-192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.0 - 192.0.2.255", "192.0.2.0/24"),
            ("192.0.2.4-192.0.2.9", "192.0.2.4/30 192.0.2.8/31"),
            (
                "192.0.2.1-192.0.2.4",
                "192.0.2.1/32 192.0.2.2/31 192.0.2.4/32",
            ),
            ("0.0.0.0-127.255.255.255", "0.0.0.0/1"),
            ("128.0.0.0-255.255.255.255", "128.0.0.0/1"),
            ("255.255.255.255-255.255.255.255", "255.255.255.255/32"),
            ("::ffff:192.0.2.2-192.0.2.3", "192.0.2.2/31"),
            ("2001:db8::-2001:db8::ffff", "2001:db8::/112"),
            ("8000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "8000::/1"),
        ] {
            let nets: Vec<_> = (cover(text).unwrap().iter())
                .map(ToString::to_string)
                .collect();
            assert_eq!(nets.join(" "), expected);
        }
    }

    #[test]
    fn what_is_no_range_is_named() {
        for (text, hint) in [
            ("192.0.2.9-192.0.2.1", "write 192.0.2.1-192.0.2.9"),
            ("192.0.2.1-2001:db8::1", "mixes IPv4 and IPv6"),
            ("192.0.2.1-9", "9 is no address"),
            ("192.0.2.0/24-192.0.3.0", "192.0.2.0/24 is no address"),
            ("0.0.0.0-255.255.255.255", "narrower"),
            ("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "narrower"),
            ("my-host.example", "is a name"),
            ("-", "no range"),
        ] {
            let told = cover(text).unwrap_err();
            assert!(told.starts_with(text) && told.contains(hint), "{told}");
        }
    }

    /// The first and the last address, as numbers.
    fn bounds(net: &IpNet) -> (u128, u128) {
        match net {
            IpNet::V4(v4) => (
                v4.network().to_bits().into(),
                v4.broadcast().to_bits().into(),
            ),
            IpNet::V6(v6) => (v6.network().to_bits(), v6.broadcast().to_bits()),
        }
    }

    /// Each prefix begins where the one before ended, and none could be joined.
    fn assert_exact(nets: &[IpNet], first: u128, last: u128) {
        assert_eq!(bounds(&nets[0]).0, first);
        assert_eq!(bounds(&nets[nets.len() - 1]).1, last);
        for pair in nets.windows(2) {
            assert_eq!(bounds(&pair[0]).1 + 1, bounds(&pair[1]).0);
        }
        assert_eq!(IpNet::aggregate(&nets.to_vec()).len(), nets.len());
    }

    /// Numbers near the ends and near powers of two, where a slip would show.
    fn edgy() -> impl Strategy<Value = u128> {
        (0..=128_u32, 0..4_u128, any::<u128>(), 0..3).prop_map(|(bit, by, random, kind)| {
            let power = 1_u128.checked_shl(bit).unwrap_or(0);
            match kind {
                0 => power.wrapping_add(by),
                1 => power.wrapping_sub(by),
                _ => random.checked_shr(bit).unwrap_or(0),
            }
        })
    }

    #[test]
    fn small_ranges_hold_exactly_their_addresses() {
        let tops = [0_u32, 192 << 24, u32::MAX - 31];
        for top in tops {
            for (first, last) in (0..32).flat_map(|a| (a..32).map(move |b| (top + a, top + b))) {
                let text = format!("{}-{}", Ipv4Addr::from(first), Ipv4Addr::from(last));
                let held: Vec<u32> = (cover(&text).unwrap().iter())
                    .flat_map(|net| bounds(net).0..=bounds(net).1)
                    .map(|address| u32::try_from(address).unwrap())
                    .collect();
                assert_eq!(held, (first..=last).collect::<Vec<_>>(), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn ranges_are_covered_exactly(a in edgy(), b in edgy()) {
            let (first, last) = (a.min(b), a.max(b));
            prop_assume!((first, last) != (0, u128::MAX));
            let [from, to] = [first, last].map(Ipv6Addr::from_bits);
            prop_assume!(from.to_ipv4_mapped().is_none() && to.to_ipv4_mapped().is_none());
            assert_exact(&cover(&format!("{from}-{to}")).unwrap(), first, last);
        }

        #[test]
        fn ranges_of_ipv4_are_covered_exactly(a in edgy(), b in edgy()) {
            let [a, b] = [a, b].map(|number| (number & 0xffff_ffff) as u32);
            let (first, last) = (a.min(b), a.max(b));
            prop_assume!((first, last) != (0, u32::MAX));
            let [from, to] = [first, last].map(Ipv4Addr::from_bits);
            assert_exact(&cover(&format!("{from}-{to}")).unwrap(), first.into(), last.into());
        }
    }
}
