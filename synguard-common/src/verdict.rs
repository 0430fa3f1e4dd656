//! What happens to a packet, and why.

/// What happens to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The kernel goes on with it.
    Pass,
    /// It ends at the network card.
    Drop,
    /// It is answered at the network card with a SYN cookie; where that cannot be,
    /// the kernel goes on with it.
    Challenge,
}

/// A verdict with the one reason under which the packet is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What happens to the packet.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal, $verdict:ident, $syn:literal;)+) => {
        /// Why a packet was passed or dropped. Every packet has exactly one,
        /// which is its index in the counters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// All reasons, in the order of their counters.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$name,)+];
            /// How many there are.
            pub const COUNT: usize = [$($label,)+].len();

            /// Its name in `status` and in JSON.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// What it does to the packet outside a dry run.
            pub const fn verdict(self) -> Verdict {
                match self { $(Self::$name => Verdict::$verdict,)+ }
            }

            /// Whether the packet was a SYN.
            pub const fn is_syn(self) -> bool {
                match self { $(Self::$name => $syn,)+ }
            }
        }
    };
}

reasons! {
    /// No IPv4 or IPv6 packet: ARP, LLDP, PPPoE and so on.
    NotIp = "not_ip", Pass, false;
    /// More than two VLAN tags.
    TooManyTags = "too_many_vlan_tags", Pass, false;
    /// Ends within the Ethernet header.
    TruncatedEthernet = "truncated_ethernet", Pass, false;
    /// Ends within a VLAN tag.
    TruncatedVlan = "truncated_vlan", Pass, false;
    /// Ends within the IPv4 header.
    TruncatedIpv4 = "truncated_ipv4", Pass, false;
    /// An IPv4 header that contradicts itself.
    BadIpv4 = "bad_ipv4", Pass, false;
    /// Ends within the IPv6 header.
    TruncatedIpv6 = "truncated_ipv6", Pass, false;
    /// An IPv6 ethertype before another version, or a source that is IPv4's.
    BadIpv6 = "bad_ipv6", Pass, false;
    /// Extension headers that are too many, cut off, or longer than the packet.
    Ipv6Extensions = "ipv6_extensions", Pass, false;
    /// A fragment that does not hold the TCP header.
    LaterFragment = "later_fragment", Pass, false;
    /// UDP, ICMP and so on.
    NotTcp = "not_tcp", Pass, false;
    /// Ends within the TCP header.
    TruncatedTcp = "truncated_tcp", Pass, false;
    /// A SYN whose TCP header contradicts itself.
    BadTcp = "bad_tcp", Pass, false;
    /// TCP that is no SYN: the traffic of open connections.
    NotSyn = "tcp_not_syn", Pass, false;
    /// A RST without ACK: so answers a host a SYN-ACK that it never asked for.
    Reset = "tcp_reset", Pass, false;
    /// A SYN from a source within its rate.
    SynCounted = "syn_counted", Pass, true;
    /// A SYN from an allowed source.
    SynAllowed = "syn_allowed", Pass, true;
    /// A SYN from a source that is over its rate and completes its handshakes.
    SynBusy = "syn_busy_client", Pass, true;
    /// A SYN from a source seen too seldom for a record, in a flood of new
    /// sources.
    SynSketched = "syn_sketched", Pass, true;
    /// A SYN for whose source the map had no room.
    SynUncounted = "syn_uncounted", Pass, true;
    /// A SYN that is not to be answered with a cookie, while others are: its source
    /// completes its handshakes, or this host depends on it.
    SynProven = "syn_proven", Pass, true;
    /// A SYN answered with a cookie.
    SynAnswered = "syn_answered", Challenge, true;
    /// A SYN that was to be answered, but nobody listens there, or the kernel makes no
    /// cookie for it: it has a connection of these ports, say.
    SynNoListener = "syn_no_listener", Pass, true;
    /// A SYN that was to be answered, but its listener could not serve who was answered
    /// so ([`crate::abi::hindrance`]).
    SynHindered = "syn_hindered", Pass, true;
    /// A SYN that was to be answered, of a kind that only the kernel can answer: with
    /// IP options, say, or in fragments.
    SynUnanswerable = "syn_unanswerable", Pass, true;
    /// A SYN that was to be answered when enough others had been.
    DroppedAnswers = "answers_limited", Drop, true;
    /// A SYN from a source that the controller banned.
    DroppedBan = "banned", Drop, true;
    /// A SYN from a source that a person or a list blocked.
    DroppedRule = "blocked", Drop, true;
    /// A SYN from a source over its rate.
    DroppedRate = "rate_limited", Drop, true;
    /// No SYN, from a source blocked with scope `all`.
    DroppedAll = "blocked_all_traffic", Drop, false;
}

impl Decision {
    /// That the SYN be answered, or passed for `reason` where it cannot be.
    #[inline(always)]
    pub const fn challenge(reason: Reason, dry_run: bool) -> Self {
        Self {
            verdict: if dry_run {
                Verdict::Pass
            } else {
                Verdict::Challenge
            },
            reason,
        }
    }

    /// The decision for `reason`; in a dry run everything passes.
    #[inline(always)]
    pub const fn new(reason: Reason, dry_run: bool) -> Self {
        let verdict = if dry_run {
            Verdict::Pass
        } else {
            reason.verdict()
        };
        Self { verdict, reason }
    }
}
