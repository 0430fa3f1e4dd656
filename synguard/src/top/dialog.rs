//! The question before anything is done.

use super::order::{Order, Verb};
use super::rows::{Row, State};
use crate::address;
use crate::class::Class;
use crate::rules::Scope;

/// What the commands say of an order before it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not known yet.
    Asked,
    /// Nothing against it.
    Fine,
    /// They would refuse it, and why.
    Refused(String),
}

/// An order that waits to be confirmed.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// What is to be done.
    pub order: Order,
    /// Whether it may be.
    pub verdict: Verdict,
    state: State,
    class: Option<Class>,
}

impl Dialog {
    /// Asks about an order that concerns this row.
    pub const fn new(order: Order, row: &Row) -> Self {
        Self {
            order,
            verdict: Verdict::Asked,
            state: row.state,
            class: row.class,
        }
    }

    /// What would be done: whom, where, how long, and what of it.
    pub fn question(&self) -> String {
        let Order { net, interface, .. } = &self.order;
        let (whom, time) = (address::show(net), self.order.duration());
        match self.order.verb {
            Verb::Block => {
                let what = match self.order.scope {
                    Scope::Syn => "new connections",
                    Scope::All => "all traffic",
                };
                format!("Block {what} from {whom} on {interface} {time}?")
            }
            Verb::Allow => {
                format!("Allow {whom} on {interface} {time}? Nothing from it is dropped then.")
            }
            Verb::Unblock => format!("End the {} on {whom} on {interface}?", self.state.noun()),
            Verb::Disallow => format!("End the allow of {whom} on {interface}?"),
        }
    }

    /// What should be thought of first.
    pub fn warning(&self) -> Option<String> {
        match self.order.verb {
            Verb::Block
                if self.order.scope == Scope::All && self.class == Some(Class::Reflection) =>
            {
                Some(
                    "The address is probably a spoofed victim's: answers to connections that you \
                 open to it would be dropped, too."
                        .to_owned(),
                )
            }
            Verb::Allow if self.state == State::Banned => {
                Some("Its ban ends, and its SYNs get through.".to_owned())
            }
            Verb::Disallow if self.state == State::Protected => {
                Some("This host depends on it: without protection it may be banned.".to_owned())
            }
            Verb::Unblock if self.state == State::Banned => {
                Some("If it goes on, it is banned anew, for longer.".to_owned())
            }
            _ => None,
        }
    }

    /// The keys that do something.
    pub fn keys(&self) -> &'static str {
        match (&self.verdict, self.order.verb) {
            (Verdict::Refused(_), Verb::Allow) => "d other duration   n back",
            (Verdict::Refused(_), _) => "n back",
            (_, Verb::Block) => "y yes   n no   d other duration   s other scope",
            (_, Verb::Allow) => "y yes   n no   d other duration",
            _ => "y yes   n no",
        }
    }
}
