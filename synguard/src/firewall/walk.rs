//! The ways that one packet may take through the chains of a table.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::condition::Match;
use super::packet::Packet;
use super::ruleset::{Action, Chain, Place, Rule, Table};

/// Rules looked at in one walk, at most: about half a second.
const MOST_STEPS: u32 = 5_000_000;

/// Chains that call each other, at most (`NFT_JUMP_STACK_SIZE` is 16).
const MOST_CALLS: usize = 64;

/// What may become of a packet in a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    pub accepted: bool,
    pub dropped: bool,
    /// It may come to the chain's end.
    pub returned: bool,
}

/// The rules after some rule, and where to go on after them.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    pub chain: &'a Chain,
    pub next: usize,
    pub caller: Option<&'a Rest<'a>>,
}

/// Told of each rule that a packet may come to and match.
pub(super) type Visitor<'a> = dyn FnMut(&Chain, &Rule, Match) + 'a;

/// Walks through one table.
pub(super) struct Walker<'a> {
    table: &'a Table,
    /// Where the packets come in.
    pub base: &'a Chain,
    /// Names under which something else may be noted for the SYN than for the ACK.
    pub uneven: &'a BTreeSet<String>,
    steps: Cell<u32>,
}

impl Fate {
    const ACCEPTED: Self = Self {
        accepted: true,
        dropped: false,
        returned: false,
    };
    const DROPPED: Self = Self {
        accepted: false,
        dropped: true,
        returned: false,
    };
    const RETURNED: Self = Self {
        accepted: false,
        dropped: false,
        returned: true,
    };

    fn or(self, other: Self) -> Self {
        Self {
            accepted: self.accepted || other.accepted,
            dropped: self.dropped || other.dropped,
            returned: self.returned || other.returned,
        }
    }
}

impl<'a> Walker<'a> {
    pub fn new(table: &'a Table, base: &'a Chain, uneven: &'a BTreeSet<String>) -> Self {
        Self {
            table,
            base,
            uneven,
            steps: Cell::new(0),
        }
    }

    /// Whether the walk was given up: what it found is then incomplete.
    pub fn gave_up(&self) -> bool {
        self.steps.get() >= MOST_STEPS
    }

    /// Counts a step in a chain that was called by so many others, and says
    /// whether there may be another.
    pub fn step(&self, depth: usize) -> bool {
        let steps = self.steps.get().saturating_add(1);
        let loops = depth > MOST_CALLS;
        self.steps.set(if loops { MOST_STEPS } else { steps });
        !self.gave_up()
    }

    /// Where a rule stands.
    pub fn place(&self, chain: &Chain, text: &str) -> Place {
        Place {
            table: self.table.name.clone(),
            chain: chain.name.clone(),
            text: text.to_owned(),
        }
    }

    /// The chain that a rule names.
    pub fn called(&self, name: &str) -> Option<&'a Chain> {
        self.table.chains.get(name)
    }

    /// From the start of the base chain to its end.
    pub fn enter(&self, packet: &Packet, visitor: &mut Visitor<'_>) -> Fate {
        self.end(self.run(packet, self.base, 0, Match::Yes, 0, visitor))
    }

    /// From a place on to the end of the base chain.
    pub fn finish(&self, packet: &Packet, rest: &Rest<'_>) -> Fate {
        let visitor = &mut |_: &Chain, _: &Rule, _| {};
        let fate = self.run(packet, rest.chain, rest.next, Match::Yes, 0, visitor);
        self.return_to(packet, fate, rest.caller)
    }

    /// What becomes of a packet that a rule acts on and that then does not
    /// follow those it left at `rest`; `returned` means that it does after all.
    pub fn leave(&self, packet: &Packet, rule: &Rule, rest: &Rest<'_>) -> Fate {
        let fate = self.act(packet, rule, Match::Yes, 0, &mut |_, _, _| {});
        if rule.action.leaves_chain() {
            self.return_to(packet, fate, rest.caller)
        } else {
            fate
        }
    }

    /// Where it came to a chain's end, what becomes of it after that.
    fn return_to(&self, packet: &Packet, fate: Fate, caller: Option<&Rest<'_>>) -> Fate {
        match caller {
            Some(caller) if fate.returned => {
                let left = Fate {
                    returned: false,
                    ..fate
                };
                left.or(self.finish(packet, caller))
            }
            Some(_) => fate,
            None => self.end(fate),
        }
    }

    /// At the end of the base chain its policy decides.
    fn end(&self, fate: Fate) -> Fate {
        let drops = self.base.base.is_some_and(|base| base.drops);
        Fate {
            accepted: fate.accepted || fate.returned && !drops,
            dropped: fate.dropped || fate.returned && drops,
            returned: false,
        }
    }

    /// `certainty` is whether the packet comes here at all.
    fn run(
        &self,
        packet: &Packet,
        chain: &Chain,
        first: usize,
        mut certainty: Match,
        depth: usize,
        visitor: &mut Visitor<'_>,
    ) -> Fate {
        let mut so_far = Fate::default();
        for rule in &chain.rules[first..] {
            if !self.step(depth) {
                return so_far;
            }
            let matched = rule.condition.matches(packet, self.uneven);
            if !matched.may_hold() {
                continue;
            }
            visitor(chain, rule, certainty.and(matched));
            let fate = self.act(packet, rule, certainty.and(matched), depth, visitor);
            let leaves = rule.action.leaves_chain();
            so_far = so_far.or(Fate {
                returned: fate.returned && leaves,
                ..fate
            });
            let stays = fate.returned && !leaves;
            if !matched.may_fail() && !stays {
                return so_far;
            }
            // Who was dropped does not matter to what becomes of the others.
            if fate.accepted || leaves {
                certainty = certainty.and(Match::Same);
            }
        }
        so_far.or(Fate::RETURNED)
    }

    /// Does what a rule does. `returned` means back from where it leads to.
    fn act(
        &self,
        packet: &Packet,
        rule: &Rule,
        certainty: Match,
        depth: usize,
        visitor: &mut Visitor<'_>,
    ) -> Fate {
        match &rule.action {
            Action::Accept | Action::Rewrite => Fate::ACCEPTED,
            Action::Drop => Fate::DROPPED,
            Action::Jump(name) | Action::Goto(name) => match self.called(name) {
                Some(chain) => self.run(packet, chain, 0, certainty, depth + 1, visitor),
                None => Fate::RETURNED,
            },
            Action::Return
            | Action::NoTrack
            | Action::SynProxy
            | Action::Remember(_)
            | Action::Opaque => Fate::RETURNED,
        }
    }
}
