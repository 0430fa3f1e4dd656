//! The SYN and the ACK of one client, side by side through the rules: can the
//! rules drop the ACK where they let the SYN through?
//!
//! The two go together as long as rules treat them alike. What is unknown of
//! the connection (its addresses, say) is then the same for both. Where their
//! ways part, each goes on alone, and what is unknown counts against us.

use super::condition::Match;
use super::packet::Packet;
use super::ruleset::{Action, Chain, Place, Rule};
use super::walk::{Rest, Walker};

/// The first two packets that the rules see of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub syn: Packet,
    pub ack: Packet,
}

/// What came out for a rule or a chain.
#[derive(Default)]
struct Outcome {
    /// Where the ways part to the harm of the ACK.
    parting: Option<Place>,
    /// Whether both may come to the next rule together.
    stays: bool,
    /// Whether both may come to the chain's end together.
    returned: bool,
}

/// Who of the two a rule may act on.
struct Acts {
    on_both: bool,
    on_syn_alone: bool,
    on_ack_alone: bool,
    on_neither: bool,
}

impl Acts {
    fn of(syn: Match, ack: Match) -> Self {
        let together = syn == Match::Same && ack == Match::Same;
        Self {
            on_both: syn.may_hold() && ack.may_hold(),
            on_syn_alone: !together && syn.may_hold() && ack.may_fail(),
            on_ack_alone: !together && syn.may_fail() && ack.may_hold(),
            on_neither: syn.may_fail() && ack.may_fail(),
        }
    }
}

/// The rule at which the ACK may be dropped and the SYN not.
pub(super) fn parting(walker: &Walker<'_>, pair: &Pair) -> Option<Place> {
    side_by_side(walker, pair, walker.base, None, 0).parting
}

fn side_by_side(
    walker: &Walker<'_>,
    pair: &Pair,
    chain: &Chain,
    caller: Option<&Rest<'_>>,
    depth: usize,
) -> Outcome {
    let mut so_far = Outcome::default();
    for (index, rule) in chain.rules.iter().enumerate() {
        if !walker.step(depth) {
            return so_far;
        }
        let rest = Rest {
            chain,
            next: index + 1,
            caller,
        };
        let step = follow(walker, pair, rule, &rest, depth);
        so_far.returned |= step.returned;
        if step.parting.is_some() || !step.stays {
            so_far.parting = step.parting;
            return so_far;
        }
    }
    so_far.returned = true;
    so_far
}

fn follow(walker: &Walker<'_>, pair: &Pair, rule: &Rule, rest: &Rest<'_>, depth: usize) -> Outcome {
    let [syn, ack] =
        [pair.syn, pair.ack].map(|packet| rule.condition.matches(&packet, walker.uneven));
    let acts = Acts::of(syn, ack);
    let mut outcome = Outcome::default();
    if acts.on_both {
        outcome = act_on_both(walker, pair, rule, rest, depth);
    }
    let mut harm = false;
    if acts.on_syn_alone {
        let syn = walker.leave(&pair.syn, rule, rest);
        harm |= syn.accepted && walker.finish(&pair.ack, rest).dropped;
        outcome.stays |= syn.returned;
    }
    if acts.on_ack_alone {
        let ack = walker.leave(&pair.ack, rule, rest);
        harm |= ack.dropped && walker.finish(&pair.syn, rest).accepted;
        outcome.stays |= ack.returned;
    }
    outcome.stays |= acts.on_neither;
    if harm && outcome.parting.is_none() {
        outcome.parting = Some(walker.place(rest.chain, &rule.text));
    }
    outcome
}

fn act_on_both(
    walker: &Walker<'_>,
    pair: &Pair,
    rule: &Rule,
    rest: &Rest<'_>,
    depth: usize,
) -> Outcome {
    let called = |name: &str, caller| match walker.called(name) {
        Some(chain) => side_by_side(walker, pair, chain, caller, depth + 1),
        None => Outcome::default(),
    };
    match &rule.action {
        Action::Accept | Action::Drop | Action::Rewrite => Outcome::default(),
        Action::Jump(name) => {
            let inner = called(name, Some(rest));
            Outcome {
                parting: inner.parting,
                stays: inner.returned,
                returned: false,
            }
        }
        Action::Goto(name) => called(name, rest.caller),
        Action::Return => Outcome {
            returned: true,
            ..Outcome::default()
        },
        Action::NoTrack | Action::SynProxy | Action::Remember(_) | Action::Opaque => Outcome {
            stays: true,
            ..Outcome::default()
        },
    }
}
