//! Ethernet II and IEEE 802.1Q/802.1ad tags.

use network_types::eth::{EthHdr, EtherType};

use super::View;
use crate::verdict::Reason;

/// One for the customer, one for the provider (IEEE 802.1ad).
const MAX_TAGS: usize = 2;
const TAG_LEN: usize = 4;

/// The network-layer protocol and where its header begins, behind any tags.
#[inline(always)]
pub(crate) fn payload<V: View + ?Sized>(frame: &V) -> Result<(EtherType, usize), Reason> {
    let header = frame
        .get::<{ EthHdr::LEN }>(0)
        .ok_or(Reason::TruncatedEthernet)?;
    let mut ether_type = u16::from_be_bytes([header[12], header[13]]);
    let mut offset = EthHdr::LEN;
    for _ in 0..MAX_TAGS {
        if !is_tag(ether_type) {
            break;
        }
        let tag = frame.get::<TAG_LEN>(offset).ok_or(Reason::TruncatedVlan)?;
        ether_type = u16::from_be_bytes([tag[2], tag[3]]);
        offset = offset.wrapping_add(TAG_LEN);
    }
    match ether_type {
        t if is_tag(t) => Err(Reason::TooManyTags),
        t if t == host(EtherType::Ipv4) => Ok((EtherType::Ipv4, offset)),
        t if t == host(EtherType::Ipv6) => Ok((EtherType::Ipv6, offset)),
        _ => Err(Reason::NotIp),
    }
}

#[inline(always)]
const fn is_tag(ether_type: u16) -> bool {
    ether_type == host(EtherType::Ieee8021q)
        || ether_type == host(EtherType::Ieee8021ad)
        || ether_type == host(EtherType::Ieee8021QinQ1)
}

/// `network-types` keeps these in network byte order.
const fn host(ether_type: EtherType) -> u16 {
    u16::from_be(ether_type as u16)
}
