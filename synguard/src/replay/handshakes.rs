//! Completed handshakes, as a capture shows them.
//!
//! A running filter asks the kernel, which knows. A capture shows segments: a SYN that
//! got through, the SYN-ACK that answers it, and the client's ACK. Who sends SYNs from
//! an address that is not his sees no SYN-ACK, and cannot acknowledge the sequence
//! number in it (RFC 9293 section 3.10.7.4, RFC 6528).
//!
//! Where a capture shows no SYN-ACK to any SYN, it was taken on one way only, and an ACK
//! with the sequence number after the SYN's is believed: it then shows that the sender
//! goes on, not that he can hear.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

use super::segment::{Connection, Segment};

/// Connections under way that are kept in mind: so many sets of [`WAYS`]. A flood of
/// new ones pushes out the oldest of a set: at a million SYNs per second those of a
/// quarter of a second ago.
const SETS: usize = 1 << 16;
const WAYS: usize = 4;
/// Linux answers a SYN for so long at most, in seconds (`tcp_synack_retries` = 5 with
/// the timeouts of RFC 6298).
const ANSWERED_FOR: u64 = 64;
/// An ACK's own sequence number may be so far beyond the SYN's: the first window is
/// never scaled (RFC 7323 section 2.2).
const FIRST_WINDOW: u32 = 1 << 16;

/// Connections that wait for their client's ACK.
pub struct Handshakes {
    waiting: Vec<[Waiting; WAYS]>,
    /// The same in each run: a capture has one outcome.
    hasher: FixedState,
    /// In ticks.
    lifetime: u64,
    /// Whether a SYN-ACK has been seen that answers a SYN.
    answers_seen: bool,
    completed: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    /// The hash of its connection, which stands for it; 0 where there is none.
    connection: u64,
    since: u64,
    /// The SYN's sequence number.
    client: u32,
    /// The SYN-ACK's, once there was one.
    server: Option<u32>,
}

impl Handshakes {
    /// None yet; `hz` ticks per second.
    pub fn new(hz: u32) -> Self {
        Self {
            waiting: vec![[Waiting::default(); WAYS]; SETS],
            hasher: FixedState::default(),
            lifetime: ANSWERED_FOR * u64::from(hz),
            answers_seen: false,
            completed: 0,
        }
    }

    /// Notes a SYN that got through.
    pub fn opened(&mut self, syn: &Segment, now: u64) {
        let connection = self.hash(syn.connection);
        let set = self.set(connection);
        // Its own place, or the oldest.
        let held = set.iter().position(|held| held.connection == connection);
        let oldest = || (0..WAYS).min_by_key(|way| set[*way].since);
        let Some(way) = held.or_else(oldest) else {
            return;
        };
        // Sent again: the answer to the first one counts.
        if set[way].connection != connection || set[way].client != syn.sequence {
            set[way] = Waiting {
                connection,
                since: now,
                client: syn.sequence,
                server: None,
            };
        }
    }

    /// Looks at a segment that is no SYN; says whether it completes a handshake.
    pub fn followed(&mut self, segment: &Segment, now: u64) -> bool {
        let Some(acknowledged) = segment.acknowledges else {
            return false;
        };
        if segment.syn {
            self.answered(segment, acknowledged);
            return false;
        }
        let connection = self.hash(segment.connection);
        let Some(waiting) = self.find(connection).copied() else {
            return false;
        };
        let completes = !segment.rst && self.completes(&waiting, segment, acknowledged, now);
        if completes || segment.rst {
            self.forget(connection);
        }
        self.completed += u64::from(completes);
        completes
    }

    fn answered(&mut self, answer: &Segment, acknowledged: u32) {
        let connection = self.hash(answer.connection.reversed());
        if let Some(waiting) = self.find(connection)
            && acknowledged == waiting.client.wrapping_add(1)
        {
            waiting.server = Some(answer.sequence);
            self.answers_seen = true;
        }
    }

    fn hash(&self, connection: Connection) -> u64 {
        self.hasher.hash_one(connection).max(1)
    }

    fn set(&mut self, connection: u64) -> &mut [Waiting; WAYS] {
        &mut self.waiting[connection as usize % SETS]
    }

    fn find(&mut self, connection: u64) -> Option<&mut Waiting> {
        let mut set = self.set(connection).iter_mut();
        set.find(|waiting| waiting.connection == connection)
    }

    fn forget(&mut self, connection: u64) {
        if let Some(waiting) = self.find(connection) {
            *waiting = Waiting::default();
        }
    }

    fn completes(&self, waiting: &Waiting, ack: &Segment, acknowledged: u32, now: u64) -> bool {
        let first = waiting.client.wrapping_add(1);
        let in_time = now.saturating_sub(waiting.since) <= self.lifetime;
        in_time
            && match waiting.server {
                // As `tcp_check_req` in `net/ipv4/tcp_minisocks.c` wants it.
                Some(server) => {
                    acknowledged == server.wrapping_add(1)
                        && ack.sequence.wrapping_sub(first) < FIRST_WINDOW
                }
                None => !self.answers_seen && ack.sequence == first,
            }
    }

    /// How many were completed.
    pub const fn completed(&self) -> u64 {
        self.completed
    }

    /// Whether the capture shows answers to SYNs, so that handshakes are certain.
    pub const fn answers_seen(&self) -> bool {
        self.answers_seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HZ: u32 = 1000;
    const CLIENT: Connection = Connection {
        client: (1, 40_000),
        server: (2, 80),
    };

    fn segment(connection: Connection, sequence: u32, acknowledges: Option<u32>) -> Segment {
        Segment {
            connection,
            sequence,
            acknowledges,
            syn: false,
            rst: false,
        }
    }

    fn syn(connection: Connection, sequence: u32) -> Segment {
        Segment {
            syn: true,
            ..segment(connection, sequence, None)
        }
    }

    fn syn_ack(sequence: u32, acknowledged: u32) -> Segment {
        Segment {
            syn: true,
            ..segment(CLIENT.reversed(), sequence, Some(acknowledged))
        }
    }

    /// The SYN of sequence number 7, its answer of number 100, then this.
    fn after_answer(last: Segment, now: u64) -> bool {
        let mut handshakes = Handshakes::new(HZ);
        handshakes.opened(&syn(CLIENT, 7), 0);
        assert!(!handshakes.followed(&syn_ack(100, 8), 1));
        handshakes.followed(&last, now)
    }

    #[test]
    fn an_ack_must_acknowledge_the_answer_in_time() {
        for (why, ack, now, completes) in [
            ("as it should be", segment(CLIENT, 8, Some(101)), 2, true),
            (
                "the first ACK was lost",
                segment(CLIENT, 108, Some(101)),
                2,
                true,
            ),
            ("a guess", segment(CLIENT, 8, Some(102)), 2, false),
            (
                "another connection",
                segment(CLIENT, 7, Some(101)),
                2,
                false,
            ),
            ("too late", segment(CLIENT, 8, Some(101)), 65_000, false),
            ("no ACK", segment(CLIENT, 8, None), 2, false),
        ] {
            assert_eq!(after_answer(ack, now), completes, "{why}");
        }
        let reset = Segment {
            rst: true,
            ..segment(CLIENT, 8, Some(101))
        };
        assert!(!after_answer(reset, 2));
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut handshakes = Handshakes::new(HZ);
        handshakes.opened(&syn(CLIENT, u32::MAX), 0);
        handshakes.followed(&syn_ack(u32::MAX, 0), 1);
        assert!(handshakes.followed(&segment(CLIENT, 0, Some(0)), 2));
        assert!(
            !handshakes.followed(&segment(CLIENT, 0, Some(0)), 3),
            "once"
        );
    }

    #[test]
    fn without_answers_the_next_sequence_number_is_believed() {
        let mut handshakes = Handshakes::new(HZ);
        handshakes.opened(&syn(CLIENT, 7), 0);
        assert!(!handshakes.followed(&segment(CLIENT, 9, Some(555)), 1));
        assert!(handshakes.followed(&segment(CLIENT, 8, Some(555)), 2));
        assert!(!handshakes.answers_seen());
    }

    #[test]
    fn where_answers_are_seen_a_syn_without_one_is_not_completed() {
        let mut handshakes = Handshakes::new(HZ);
        let other = Connection {
            client: (3, 1),
            ..CLIENT
        };
        handshakes.opened(&syn(CLIENT, 7), 0);
        handshakes.followed(&syn_ack(100, 8), 1);
        handshakes.opened(&syn(other, 7), 2);
        assert!(!handshakes.followed(&segment(other, 8, Some(555)), 3));
        assert_eq!(handshakes.completed(), 0);
    }

    #[test]
    fn a_flood_of_new_ones_takes_no_more_room_than_there_is() {
        let mut handshakes = Handshakes::new(HZ);
        let stranger = |n: u128| Connection {
            client: (n, 1),
            ..CLIENT
        };
        for n in 0..1_000_000 {
            handshakes.opened(&syn(stranger(n), 7), u64::try_from(n / 1000).unwrap());
        }
        let mut completes = |n| handshakes.followed(&segment(stranger(n), 8, Some(1)), 1000);
        let recent = (900_000..1_000_000).filter(|n| completes(*n)).count();
        assert!(recent > 90_000, "{recent}");
        assert!(!completes(5), "pushed out long ago");
    }

    #[test]
    fn a_syn_sent_again_is_the_same_and_another_is_not() {
        let mut handshakes = Handshakes::new(HZ);
        handshakes.opened(&syn(CLIENT, 7), 0);
        handshakes.followed(&syn_ack(100, 8), 1);
        handshakes.opened(&syn(CLIENT, 7), 2);
        assert!(handshakes.followed(&segment(CLIENT, 8, Some(101)), 3));
        handshakes.opened(&syn(CLIENT, 7), 4);
        handshakes.followed(&syn_ack(100, 8), 5);
        handshakes.opened(&syn(CLIENT, 1000), 6);
        assert!(!handshakes.followed(&segment(CLIENT, 8, Some(101)), 7));
    }
}
