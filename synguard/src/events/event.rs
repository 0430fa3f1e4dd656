//! What happens. Pure: made where it happens, shown as words and as JSON.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::challenge::Hindrance;
use crate::class::Class;

/// Something that happened at an interface.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The filter is in place and watched over.
    Attached(Attachment),
    /// The filter is off.
    Detached {
        /// Why.
        cause: Cause,
    },
    /// The controller has ended, the filter has not.
    LeftInPlace {},
    /// The interface was deleted or moved to another network namespace; it is waited for.
    InterfaceGone {
        /// Bans that are kept for it.
        bans: u64,
    },
    /// An interface of the name is there again, and filtered.
    InterfaceBack {
        /// `native` or `generic`.
        mode: &'static str,
        /// Bans in force.
        bans: u64,
        /// How long after the kernel told of it.
        #[serde(rename = "latency_seconds", serialize_with = "seconds")]
        latency: Duration,
    },
    /// A source was banned, or would have been in a dry run.
    Promoted(Promoted),
    /// A rule has ended.
    Lifted(Lifted),
    /// A source was banned again, as another kind of offender.
    ClassChanged {
        /// An address or a prefix.
        source: String,
        /// What it was at its ban before.
        former_class: Class,
        /// What it is now.
        class: Class,
    },
    /// A flood in which every SYN has another source has begun.
    SpoofedFloodBegun(Rates),
    /// It is over.
    SpoofedFloodOver {
        /// How long it lasted.
        #[serde(rename = "lasted_seconds", serialize_with = "seconds")]
        lasted: Duration,
        /// The worst that was seen.
        #[serde(flatten)]
        worst: Rates,
    },
    /// New clients are challenged with SYN cookies from now on.
    ChallengesEngaged(Engaged),
    /// They no longer are.
    ChallengesDisengaged {
        /// Why, in words.
        reason: String,
        /// For how long they were.
        #[serde(rename = "lasted_seconds", serialize_with = "seconds")]
        lasted: Duration,
        /// SYNs answered meanwhile.
        answered: u64,
    },
    /// The configuration was read again.
    Reloaded {
        /// What is otherwise from now on, in words.
        changed: Vec<String>,
        /// What is not, and why, in words.
        kept: Vec<String>,
        /// Why nothing was changed, in words; null where it was.
        refused: Option<String>,
    },
    /// Somebody said `synguard panic`: nothing is dropped.
    PanicBegun {},
    /// Somebody said that it is over.
    PanicOver {},
    /// Somebody said `synguard confirm`: the filter stays.
    Confirmed {},
    /// Events about sources that were too many to be told one by one.
    Omitted {
        /// How many.
        events: u64,
    },
}

/// How an interface is filtered.
#[derive(Clone, Debug, Serialize)]
pub struct Attachment {
    /// `native` or `generic`.
    pub mode: &'static str,
    /// Whether a running filter was taken over.
    pub taken_over: bool,
    /// Whether nothing is dropped.
    pub dry_run: bool,
    /// SYNs per second from one source above which it is banned.
    pub threshold_syns_per_second: u32,
    /// Over how long.
    #[serde(rename = "window_seconds", serialize_with = "seconds")]
    pub window: Duration,
    /// How long a first ban lasts.
    #[serde(rename = "ban_seconds", serialize_with = "seconds")]
    pub ban: Duration,
}

/// Why a filter is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The controller was told to end.
    Stopped,
    /// By `synguard detach`.
    Command,
    /// Nobody said `synguard confirm` in time.
    Unconfirmed,
    /// Somebody else took it off, or put another program in its place.
    Lost,
    /// The configuration no longer names the interface.
    Dismissed,
    /// The interface, which only a glob means, did not come back.
    Gone,
}

/// A ban.
#[derive(Clone, Debug, Serialize)]
pub struct Promoted {
    /// An address or a prefix.
    pub source: String,
    /// What kind of offender it is.
    pub class: Class,
    /// How long it is banned.
    #[serde(rename = "ban_seconds", serialize_with = "seconds")]
    pub ban: Duration,
    /// Whether it only would have been.
    pub dry_run: bool,
    /// SYNs in the window.
    pub syns: u64,
    /// The same, per second.
    pub syns_per_second: u64,
    /// How many of them became connections.
    pub handshakes: u64,
    /// RSTs that came back, since the source was first seen.
    pub resets: u64,
    /// Which ban of this source it is, from 1.
    pub offence: u64,
    /// The most recent destination ports, at most four.
    pub destination_ports: Vec<u16>,
    /// A lower bound for how many there were.
    pub distinct_ports: u32,
    /// Null where it varied.
    pub source_port: Option<u16>,
    /// How long after it went over its rate, at most; null where that is not known.
    #[serde(rename = "latency_seconds", serialize_with = "maybe_seconds")]
    pub latency: Option<Duration>,
}

/// The end of a rule.
#[derive(Clone, Debug, Serialize)]
pub struct Lifted {
    /// An address or a prefix.
    pub source: String,
    /// `ban`, `block` or `allow`.
    pub rule: &'static str,
    /// Why.
    pub reason: LiftReason,
    /// Connections that the source completed since its ban.
    pub handshakes: u64,
    /// Packets that the rule decided.
    pub hits: u64,
    /// Whether it only would have been.
    pub dry_run: bool,
}

/// Why a rule has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LiftReason {
    /// Its time is over.
    Expired,
    /// The source is a client after all.
    CompletesHandshakes,
}

/// Rates of an interface as a whole.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rates {
    /// SYNs per second that were not dropped.
    pub syns_per_second: u32,
    /// Of them, from sources not seen before.
    pub new_sources_per_second: u32,
    /// Connections completed per second.
    pub handshakes_per_second: u32,
}

/// The begin of challenges.
#[derive(Clone, Debug, Serialize)]
pub struct Engaged {
    /// Whether for a spoofed flood; otherwise as asked for.
    pub spoofed_flood: bool,
    /// At present.
    #[serde(flatten)]
    pub rates: Rates,
    /// Listening addresses that are answered for.
    pub listeners: usize,
    /// Those that are left to the kernel.
    pub left_to_kernel: Vec<Left>,
}

/// Listening addresses that are left to the kernel.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Left {
    /// Why.
    pub hindrance: Hindrance,
    /// How many.
    pub listeners: usize,
}

impl Event {
    /// Whether it is about one source: in a flood there may be very many.
    pub const fn is_about_a_source(&self) -> bool {
        matches!(
            self,
            Self::Promoted(_) | Self::Lifted(_) | Self::ClassChanged { .. }
        )
    }
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

fn maybe_seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => seconds(time, serializer),
        None => serializer.serialize_none(),
    }
}
