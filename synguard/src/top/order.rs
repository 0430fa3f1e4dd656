//! What the person wants done about a source.

use std::time::Duration;

use ipnet::IpNet;

use crate::rules::Scope;
use crate::status::Identity;
use crate::{Error, Result, address, text};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Drop what comes from there.
    Block,
    /// Never drop anything from there.
    Allow,
    /// End a block or a ban.
    Unblock,
    /// End an allow.
    Disallow,
}

impl Verb {
    /// The subcommand that does the same.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Allow => "allow",
            Self::Unblock => "unblock",
            Self::Disallow => "disallow",
        }
    }

    /// Whether it makes a rule, which then lasts for some time.
    pub const fn lasts(self) -> bool {
        matches!(self, Self::Block | Self::Allow)
    }
}

/// How long rules may be made for; none: until removed.
const LASTING: [Option<Duration>; 4] = [
    Some(Duration::from_secs(600)),
    Some(Duration::from_secs(3600)),
    Some(Duration::from_secs(86_400)),
    None,
];

/// One of the commands that change rules, with all that it is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is to be done.
    pub verb: Verb,
    /// About whom.
    pub net: IpNet,
    /// Where.
    pub interface: String,
    /// How long the rule is to last; none: until removed.
    pub lasting: Option<Duration>,
    /// What a block drops.
    pub scope: Scope,
    /// The rule that is to end; none where one is made.
    pub ends: Option<Identity>,
}

impl Order {
    /// An order as the view proposes it: a block for an hour, of new connections alone, as
    /// bans are; an allow until it is removed.
    pub const fn new(verb: Verb, net: IpNet, interface: String) -> Self {
        let lasting = match verb {
            Verb::Block => LASTING[1],
            _ => None,
        };
        Self {
            verb,
            net,
            interface,
            lasting,
            scope: Scope::Syn,
            ends: None,
        }
    }

    /// Refuses to end another rule than the one that was asked about. That there is none
    /// any more, the command says.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] where `present` is another one.
    pub fn check_rule(&self, present: Option<Identity>) -> Result<()> {
        match present {
            Some(present) if self.ends != Some(present) => Err(Error::Refused(format!(
                "{} has another rule by now: nothing was changed",
                address::show(&self.net)
            ))),
            _ => Ok(()),
        }
    }

    /// The same for the next longer time, or the shortest.
    pub fn longer(&mut self) {
        let place = LASTING.iter().position(|time| *time == self.lasting);
        self.lasting = LASTING[place.map_or(0, |place| place + 1) % LASTING.len()];
    }

    /// The same with the other scope.
    pub const fn rescope(&mut self) {
        self.scope = match self.scope {
            Scope::Syn => Scope::All,
            Scope::All => Scope::Syn,
        };
    }

    /// For how long: `for 1h`, `until removed`.
    pub fn duration(&self) -> String {
        self.lasting.map_or_else(
            || "until removed".to_owned(),
            |time| format!("for {}", text::duration(time)),
        )
    }

    /// What a person would type.
    pub fn typed(&self) -> String {
        let mut words = format!(
            "synguard {} {}",
            self.verb.command(),
            address::show(&self.net)
        );
        if let Some(time) = self.lasting {
            let time = text::duration(time).replace(' ', "");
            words.push_str(&format!(" --for {time}"));
        }
        if self.verb == Verb::Block {
            let scope = match self.scope {
                Scope::Syn => "syn",
                Scope::All => "all",
            };
            words.push_str(&format!(" --scope {scope}"));
        }
        format!("{words} --iface {}", self.interface)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::address::parse_prefix;
    use crate::cli::Cli;

    #[test]
    fn what_is_shown_to_be_typed_can_be() {
        let net = parse_prefix("2001:db8::/64").unwrap();
        for verb in [Verb::Block, Verb::Allow, Verb::Unblock, Verb::Disallow] {
            let mut order = Order::new(verb, net, "eth0".to_owned());
            for _ in LASTING {
                let typed = order.typed();
                assert!(Cli::try_parse_from(typed.split(' ')).is_ok(), "{typed}");
                if verb.lasts() {
                    order.longer();
                }
            }
        }
        let order = Order::new(Verb::Block, net, "eth0".to_owned());
        assert_eq!(
            order.typed(),
            "synguard block 2001:db8::/64 --for 1h --scope syn --iface eth0"
        );
    }
}
