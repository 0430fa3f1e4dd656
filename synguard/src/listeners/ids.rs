//! The numbers by which one network namespace knows others (`ip netns list-id`).

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::nsid::{NsidAttribute, NsidMessage};

use crate::netlink::Netlink;

/// What the kernel says for none, and takes for any.
const NONE: i32 = -1;

/// The id by which the namespace of this socket knows another, if it has one.
pub(super) fn get(netlink: &mut Netlink, other: BorrowedFd<'_>) -> io::Result<Option<i32>> {
    let request = RouteNetlinkMessage::GetNsId(message(vec![handle(other)]));
    let Some(RouteNetlinkMessage::NewNsId(answer)) = netlink.call(request)? else {
        return Ok(None);
    };
    let id = answer
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            NsidAttribute::Id(id) => Some(*id),
            _ => None,
        });
    Ok(id.filter(|id| *id != NONE))
}

/// The same, given by the kernel where there was none. It lasts as long as both
/// namespaces do.
pub(super) fn get_or_assign(
    netlink: &mut Netlink,
    other: BorrowedFd<'_>,
) -> io::Result<Option<i32>> {
    if let Some(id) = get(netlink, other)? {
        return Ok(Some(id));
    }
    let request = message(vec![NsidAttribute::Id(NONE), handle(other)]);
    netlink.call(RouteNetlinkMessage::NewNsId(request))?;
    get(netlink, other)
}

fn handle(namespace: BorrowedFd<'_>) -> NsidAttribute {
    // A descriptor is never negative.
    NsidAttribute::Fd(namespace.as_raw_fd().unsigned_abs())
}

fn message(attributes: Vec<NsidAttribute>) -> NsidMessage {
    let mut message = NsidMessage::default();
    message.attributes = attributes;
    message
}
