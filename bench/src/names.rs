//! What rows are called: the tables and the targets must agree on it.

/// The tables.
pub const PACKET: &str = "Per packet";
pub const RATE: &str = "Flood over veth";
pub const COST: &str = "Cost per packet beyond XDP_DROP or XDP_PASS alone";
pub const ANSWERS: &str = "SYNs answered on one core";
pub const ANSWER_COST: &str = "Cost per answered SYN beyond XDP_DROP alone";
pub const CLIENTS: &str = "Legitimate clients during a flood";
pub const CONNECT: &str = "How long these clients took to connect";
pub const FLOOD: &str = "What came through of the flood meanwhile";
pub const CONTROL: &str = "Control plane";
pub const REPLAY: &str = "Captures read on one core";

/// Who is measured.
pub mod subject {
    pub const DROP: &str = "XDP_DROP alone";
    pub const PASS: &str = "XDP_PASS alone";
    pub const HASH: &str = "minimal hash lookup";
    pub const NAIVE: &str = "naive LRU counter";
    pub const XDP_FILTER: &str = "xdp-filter";
    pub const NFT: &str = "nft, netdev ingress, set";
    pub const IPTABLES: &str = "iptables raw, ipset";
    pub const SYNGUARD: &str = "SynGuard";
    pub const KERNEL: &str = "kernel alone";
    pub const TCPDUMP: &str = "tcpdump, SYNs printed";
    pub const CAPINFOS: &str = "capinfos";
    pub const EMPTY: &str = "SynGuard, empty lists";
    pub const ONE_RULE: &str = "SynGuard, one source blocked";
    pub const NETWORKS: &str = "SynGuard, 100 k CIDRs";
    pub const ADDRESSES: &str = "SynGuard, 1 M addresses";
    pub const SEND_BACK: &str = "XDP_TX alone";
    pub const NATIVE: &str = "SynGuard challenging, native";
    pub const GENERIC: &str = "SynGuard challenging, generic";
    pub const COOKIES: &str = "kernel, SYN cookies always";
    pub const SYNPROXY: &str = "nft, synproxy";
    pub const ABLE: &str = "SynGuard, empty lists, challenge loaded";
    pub const CHALLENGING: &str = "SynGuard, challenging";
    pub const BOTH: &str = "SynGuard, 100 k CIDRs and 1 M addresses";
}

/// Doing what.
pub mod scenario {
    pub const BLOCKED: &str = "blocked IPv4";
    pub const BLOCKED6: &str = "blocked IPv6";
    pub const KNOWN: &str = "SYN, known source";
    pub const OPEN: &str = "TCP, no SYN";
    pub const UNLUCKY: &str = "TCP, no SYN, near a blocked address";
    pub const SCATTERED: &str = "TCP, no SYN, new source each";
    pub const UDP: &str = "UDP";
    pub const SPOOFED: &str = "SYN, new source each";
    pub const ANSWERED: &str = "SYN answered, new source each";
    pub const WITH_SENDER: &str = "together with the sender";
    pub const WITHOUT_SENDER: &str = "without the sender";
    pub const QUIET: &str = "no flood";
    pub const SERVED: &str = "served";
    pub const MEDIAN: &str = "median";
    pub const SLOW: &str = "p99";
    pub const ARRIVED: &str = "arrived";
    pub const LOST: &str = "lost on the way";
    pub const ONE_SOURCE: &str = "flood from one source";
    pub const ANYONE: &str = "spoofed flood";
    pub const PROMOTION: &str = "from the first SYN over the rate to the first drop by ban";
    pub const MEMORY_FLOOD: &str = "controller's memory after a flood of 1 M sources";
    pub const CPU_FLOOD: &str = "controller during a flood of 1 M sources, of a core";
    pub const STATUS_JSON: &str = "status --json with 1 M tracked sources";
    pub const IMPORT_ADDRESSES: &str = "import of 1 M addresses";
    pub const IMPORT_NETWORKS: &str = "import of 100 k CIDRs";
    pub const STATUS: &str = "status with 1 M tracked sources";
    pub const MEMORY: &str = "controller's memory with defaults";
    pub const REST: &str = "controller at rest, of a core";
}
