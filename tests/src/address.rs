//! Who is who in the lab. Every topology has namespaces of its own, so all of
//! them can use the same addresses side by side.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The spoofed sources of the story.
pub const VICTIMS: [Ipv4Addr; 2] = [
    Ipv4Addr::new(5, 39, 90, 132),
    Ipv4Addr::new(37, 187, 112, 166),
];

/// A spoofed source for the IPv6 floods.
pub const VICTIM6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 1);

/// The provider's end of the home uplink, in namespace `internet`.
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The same for IPv6.
pub const GATEWAY6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);

/// The home server's uplink, where synguard is attached.
pub const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// The same for IPv6.
pub const HOST6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);

/// The home server's bridge.
pub const BRIDGE: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 1);
/// The same for IPv6.
pub const BRIDGE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 1);

/// The container with the services; the address in the story's capture.
pub const CONTAINER: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 2);
/// The same for IPv6.
pub const CONTAINER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2);

/// A DNS resolver on the internet side.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);

/// The ports of the story: mail, web, web.
pub const PORTS: [u16; 3] = [25, 80, 443];

/// How many legitimate clients have an address.
pub const CLIENTS: u8 = 8;

/// The address of a legitimate client.
pub fn client(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, slot(number))
}

/// The address of somebody who never connected before: another one for each number
/// below 65,536, 256 in a /24.
pub fn newcomer(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(198, 19, high, low)
}

/// True for the IPv4 address of any legitimate client.
pub fn is_client(address: IpAddr) -> bool {
    (0..usize::from(CLIENTS)).any(|number| address == client(number))
}

/// The IPv6 address of a legitimate client, each in a /64 of its own.
pub fn client6(number: usize) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xc, slot(number).into(), 0, 0, 0, 1)
}

/// Hardware addresses, fixed so that nobody has to ask for them first.
pub mod hardware {
    use std::fmt;

    /// The provider's end of the uplink.
    pub const PROVIDER: Hardware = Hardware([2, 0, 0, 0, 0, 1]);
    /// The host's end.
    pub const UPLINK: Hardware = Hardware([2, 0, 0, 0, 0, 2]);
    /// The host's bridge.
    pub const BRIDGE: Hardware = Hardware([2, 0, 0, 0, 0, 3]);
    /// The container's interface.
    pub const CONTAINER: Hardware = Hardware([2, 0, 0, 0, 0, 4]);

    /// An Ethernet address.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Hardware(pub [u8; 6]);

    impl fmt::Display for Hardware {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let [a, b, c, d, e, g] = self.0;
            write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
        }
    }
}

/// True for the addresses that the floods pretend to come from.
pub fn is_victim(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => VICTIMS.contains(&address),
        IpAddr::V6(address) => address == VICTIM6,
    }
}

fn slot(number: usize) -> u8 {
    let number = number % usize::from(CLIENTS);
    u8::try_from(number).unwrap_or(0) + 1
}
