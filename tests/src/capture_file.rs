//! Writes captures, in every form that the field knows: pcap and pcapng, either byte
//! order, any resolution, any link type.

/// The link types that the tests write (tcpdump group's LINKTYPE_ values).
pub mod link_type {
    /// Ethernet.
    pub const ETHERNET: u32 = 1;
    /// BSD loopback, in the byte order of the host.
    pub const NULL: u32 = 0;
    /// The same in network byte order.
    pub const LOOP: u32 = 108;
    /// IPv4 or IPv6.
    pub const RAW: u32 = 101;
    /// Linux cooked, version 1.
    pub const COOKED: u32 = 113;
    /// Linux cooked, version 2.
    pub const COOKED2: u32 = 276;
    /// IPv4.
    pub const IPV4: u32 = 228;
    /// IPv6.
    pub const IPV6: u32 = 229;
}

/// A packet of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// Nanoseconds since 1970.
    pub nanos: u64,
    /// What of it was captured.
    pub data: Vec<u8>,
    /// How long it was.
    pub wire_len: u32,
}

impl Captured {
    /// One that was captured whole.
    pub fn whole(nanos: u64, data: Vec<u8>) -> Self {
        let wire_len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        Self {
            nanos,
            data,
            wire_len,
        }
    }

    /// The same under a snap length.
    pub fn cut(mut self, snap_len: usize) -> Self {
        self.data.truncate(snap_len);
        self
    }
}

/// How words are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Order {
    fn u16(self, word: u16) -> [u8; 2] {
        match self {
            Self::Little => word.to_le_bytes(),
            Self::Big => word.to_be_bytes(),
        }
    }

    fn u32(self, word: u32) -> [u8; 4] {
        match self {
            Self::Little => word.to_le_bytes(),
            Self::Big => word.to_be_bytes(),
        }
    }
}

/// The kinds of pcap, by their magic number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
    /// Microseconds, and records with eight more bytes.
    Modified,
}

/// A pcap file.
pub fn pcap(kind: Kind, order: Order, link_type: u32, packets: &[Captured]) -> Vec<u8> {
    let magic = match kind {
        Kind::Micros => 0xa1b2_c3d4,
        Kind::Nanos => 0xa1b2_3c4d,
        Kind::Modified => 0xa1b2_cd34,
    };
    let mut file = Vec::new();
    file.extend(order.u32(magic));
    file.extend(order.u16(2));
    file.extend(order.u16(4));
    for word in [0, 0, 262_144, link_type] {
        file.extend(order.u32(word));
    }
    for packet in packets {
        let fraction = match kind {
            Kind::Nanos => packet.nanos % 1_000_000_000,
            Kind::Micros | Kind::Modified => packet.nanos % 1_000_000_000 / 1000,
        };
        file.extend(order.u32(low(packet.nanos / 1_000_000_000)));
        file.extend(order.u32(low(fraction)));
        file.extend(order.u32(low(packet.data.len() as u64)));
        file.extend(order.u32(packet.wire_len));
        if kind == Kind::Modified {
            file.extend([0; 8]);
        }
        file.extend(&packet.data);
    }
    file
}

/// A pcapng file in the making.
#[derive(Debug, Clone)]
pub struct PcapNg {
    order: Order,
    bytes: Vec<u8>,
}

/// An interface of a pcapng file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Interface<'a> {
    /// [`link_type`].
    pub link_type: u32,
    /// 0 for none.
    pub snap_len: u32,
    /// As `if_tsresol` has it; microseconds where it is not said.
    pub resolution: Option<u8>,
    /// Seconds to add to stamps.
    pub offset: Option<i64>,
    /// As `ip link` has it.
    pub name: Option<&'a str>,
}

impl PcapNg {
    /// One that begins with a section in this byte order.
    pub fn new(order: Order) -> Self {
        let file = Self {
            order,
            bytes: Vec::new(),
        };
        file.section(order)
    }

    /// Begins another section.
    pub fn section(mut self, order: Order) -> Self {
        self.order = order;
        let mut body = Vec::new();
        body.extend(order.u32(0x1a2b_3c4d));
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    /// Describes the section's next interface.
    pub fn interface(self, interface: &Interface<'_>) -> Self {
        let order = self.order;
        let mut body = Vec::new();
        body.extend(order.u16(u16::try_from(interface.link_type).unwrap_or(u16::MAX)));
        body.extend(order.u16(0));
        body.extend(order.u32(interface.snap_len));
        let mut options = Vec::new();
        if let Some(name) = interface.name {
            options.extend(self.option(2, name.as_bytes()));
        }
        if let Some(resolution) = interface.resolution {
            options.extend(self.option(9, &[resolution]));
        }
        if let Some(offset) = interface.offset {
            let bytes = match order {
                Order::Little => offset.to_le_bytes(),
                Order::Big => offset.to_be_bytes(),
            };
            options.extend(self.option(14, &bytes));
        }
        if !options.is_empty() {
            options.extend(self.option(0, &[]));
        }
        body.extend(options);
        self.block(1, &body)
    }

    /// A packet with its stamp in the interface's own units, and with its direction
    /// (1 in, 2 out) where that is said.
    pub fn packet(self, interface: u32, stamp: u64, flags: Option<u32>, packet: &Captured) -> Self {
        let order = self.order;
        let mut body = Vec::new();
        for word in [
            interface,
            low(stamp >> 32),
            low(stamp & 0xffff_ffff),
            low(packet.data.len() as u64),
            packet.wire_len,
        ] {
            body.extend(order.u32(word));
        }
        body.extend(padded(&packet.data));
        if let Some(flags) = flags {
            body.extend(self.option(2, &order.u32(flags)));
            body.extend(self.option(0, &[]));
        }
        self.block(6, &body)
    }

    /// A packet without a stamp, on the section's first interface.
    pub fn simple_packet(self, packet: &Captured) -> Self {
        let mut body = self.order.u32(packet.wire_len).to_vec();
        body.extend(padded(&packet.data));
        self.block(3, &body)
    }

    /// A block of any type.
    pub fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let order = self.order;
        let body = padded(body);
        let len = low(body.len() as u64 + 12);
        self.bytes.extend(order.u32(kind));
        self.bytes.extend(order.u32(len));
        self.bytes.extend(body);
        self.bytes.extend(order.u32(len));
        self
    }

    /// The file.
    pub fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = self.order.u16(code).to_vec();
        option.extend(
            self.order
                .u16(u16::try_from(value.len()).unwrap_or(u16::MAX)),
        );
        option.extend(padded(value));
        option
    }
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded
}

fn low(word: u64) -> u32 {
    u32::try_from(word).unwrap_or(u32::MAX)
}
