//! What the kernel says about XDP in a driver: the generic netlink family `netdev`
//! (`Documentation/netlink/specs/netdev.yaml`), from Linux 6.3 on.

use std::io;

use rtnetlink::packet_core::{
    DecodeError, DefaultNla, Emitable as _, NetlinkDeserializable, NetlinkHeader,
    NetlinkSerializable, NlasIterator,
};
use rtnetlink::sys::protocols::NETLINK_GENERIC;

use super::XdpFeatures;
use crate::netlink::Netlink;

/// The family that knows the others, and what to ask it
/// (`include/uapi/linux/genetlink.h`).
const CONTROL: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// `include/uapi/linux/netdev.h`.
const DEV_GET: u8 = 1;
const IFINDEX: u16 = 1;
const XDP_FEATURES: u16 = 3;
const BASIC: u64 = 1;
const RX_SG: u64 = 1 << 5;
/// Of `struct genlmsghdr`: command, version, two bytes of nothing.
const HEADER: usize = 4;

/// A message of generic netlink.
struct Message {
    family: u16,
    command: u8,
    /// Attributes, as on the wire.
    attributes: Vec<u8>,
}

impl Message {
    fn new(family: u16, command: u8, attribute: &DefaultNla) -> Self {
        let mut attributes = vec![0; attribute.buffer_len()];
        attribute.emit(&mut attributes);
        Self {
            family,
            command,
            attributes,
        }
    }

    fn value<const N: usize>(&self, kind: u16) -> Option<[u8; N]> {
        NlasIterator::new(self.attributes.as_slice())
            .filter_map(Result::ok)
            .find(|attribute| attribute.kind() == kind)
            .and_then(|attribute| attribute.value().try_into().ok())
    }
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.family
    }

    fn buffer_len(&self) -> usize {
        HEADER + self.attributes.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        buffer[..HEADER].copy_from_slice(&[self.command, 1, 0, 0]);
        buffer[HEADER..].copy_from_slice(&self.attributes);
    }
}

impl NetlinkDeserializable for Message {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let (head, attributes) = payload
            .split_at_checked(HEADER)
            .ok_or_else(|| DecodeError::from("a message of generic netlink is too short"))?;
        Ok(Self {
            family: header.message_type,
            command: head[0],
            attributes: attributes.to_vec(),
        })
    }
}

/// What the driver of this interface can do; nothing where the kernel does not tell.
pub(super) fn xdp_features(index: u32) -> Option<XdpFeatures> {
    asked(index).ok().flatten()
}

fn asked(index: u32) -> io::Result<Option<XdpFeatures>> {
    let mut netlink = Netlink::open(NETLINK_GENERIC)?;
    let name = DefaultNla::new(FAMILY_NAME, b"netdev\0".to_vec());
    let family = netlink.call(Message::new(CONTROL, GET_FAMILY, &name))?;
    let Some(family) = family.and_then(|answer| answer.value(FAMILY_ID)) else {
        return Ok(None);
    };
    let index = DefaultNla::new(IFINDEX, index.to_ne_bytes().to_vec());
    let device = netlink.call(Message::new(u16::from_ne_bytes(family), DEV_GET, &index))?;
    let features = device.and_then(|answer| answer.value(XDP_FEATURES));
    Ok(features.map(|bytes| of_bits(u64::from_ne_bytes(bytes))))
}

const fn of_bits(bits: u64) -> XdpFeatures {
    XdpFeatures {
        native: bits & BASIC != 0,
        multi_buffer: bits & RX_SG != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_written() {
        let attribute = DefaultNla::new(IFINDEX, 7_u32.to_ne_bytes().to_vec());
        let message = Message::new(0x1c, DEV_GET, &attribute);
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        let read = Message::deserialize(&NetlinkHeader::default(), &bytes).unwrap();
        assert_eq!(read.command, DEV_GET);
        assert_eq!(read.value(IFINDEX), Some(7_u32.to_ne_bytes()));
        assert_eq!(read.value::<8>(XDP_FEATURES), None);
        assert!(Message::deserialize(&NetlinkHeader::default(), &[1, 1]).is_err());
    }

    #[test]
    fn bits_have_their_meaning() {
        for (bits, native, multi_buffer) in
            [(0, false, false), (0x03, true, false), (0x23, true, true)]
        {
            let features = XdpFeatures {
                native,
                multi_buffer,
            };
            assert_eq!(of_bits(bits), features, "{bits:#x}");
        }
    }
}
