//! What the rules do to the clients of one port.

use std::collections::BTreeSet;

use super::condition::Match;
use super::hindrance::Hindrance;
use super::packet::{Family, Packet, flag, state};
use super::pair::{self, Pair};
use super::ruleset::{Action, Base, Chain, Hook, Place, Rule, Table};
use super::walk::Walker;

/// The rules, and whose way through them is asked for.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub tables: &'a [Table],
    /// The hooks on the way.
    pub hooks: &'a [Hook],
    /// Whether connection tracking takes up connections in their midst.
    pub loose: bool,
    pub family: Family,
}

/// A chain on the way, and what connection tracking may have said of the
/// packets that come there.
struct Entry<'a> {
    table: &'a Table,
    chain: &'a Chain,
    pairs: Vec<Pair>,
}

impl<'a> Question<'a> {
    /// The first hindrance there is for a port.
    pub fn hindrance(&self, port: u16) -> Option<Hindrance> {
        let entries = self.entries(Some(port));
        let uneven = uneven(&entries);
        let walks = || {
            let each = entries.iter();
            each.map(|entry| (entry, Walker::new(entry.table, entry.chain, &uneven)))
        };
        walks()
            .find_map(|(entry, walker)| special(&walker, &entry.pairs))
            .or_else(|| walks().find_map(|(entry, walker)| closed(&walker, &entry.pairs)))
            .or_else(|| {
                walks().find_map(|(entry, walker)| self.strict(port, &walker, &entry.pairs))
            })
    }

    /// Whether the rules let no SYN in, whatever its port.
    pub fn is_shut(&self) -> bool {
        let none = BTreeSet::new();
        self.entries(None).iter().any(|entry| {
            let walker = Walker::new(entry.table, entry.chain, &none);
            closed(&walker, &entry.pairs).is_some()
        })
    }

    fn entries(&self, port: Option<u16>) -> Vec<Entry<'a>> {
        let early = vec![self.pair(port, state::INVALID, state::INVALID)];
        let (before, after): (Vec<_>, Vec<_>) = self
            .bases()
            .partition(|(.., base)| base.is_before_conntrack());
        let before: Vec<_> = before
            .into_iter()
            .map(|(table, chain, _)| Entry {
                table,
                chain,
                pairs: early.clone(),
            })
            .collect();
        let tracked = self.tracked(port, &before);
        let after = after.into_iter().map(|(table, chain, _)| Entry {
            table,
            chain,
            pairs: tracked.clone(),
        });
        let mut entries: Vec<_> = after.collect();
        entries.extend(before);
        entries
    }

    fn bases(&self) -> impl Iterator<Item = (&'a Table, &'a Chain, Base)> {
        let (hooks, family) = (self.hooks, self.family);
        let all = self.tables.iter().flat_map(move |table| {
            let entries = table.entries(family);
            entries.map(move |(chain, base)| (table, chain, base))
        });
        all.filter(move |(.., base)| hooks.contains(&base.hook))
    }

    /// What connection tracking may say of the SYN and of the ACK.
    fn tracked(&self, port: Option<u16>, before: &[Entry<'_>]) -> Vec<Pair> {
        let taken_up = if self.loose {
            state::NEW
        } else {
            state::INVALID
        };
        let pair = |(syn, ack)| {
            let state = |untracked, tracked| if untracked { state::UNTRACKED } else { tracked };
            self.pair(port, state(syn, state::NEW), state(ack, taken_up))
        };
        let none = BTreeSet::new();
        let untracked = |side: Side| -> Vec<(Place, Match)> {
            let each = before.iter();
            each.flat_map(|entry| {
                let walker = Walker::new(entry.table, entry.chain, &none);
                visits(&walker, side.of(&entry.pairs[0]), is_notrack)
            })
            .collect()
        };
        let [syn, ack] = [untracked(Side::Syn), untracked(Side::Ack)];
        let may_vary = syn.iter().any(|(_, matched)| *matched == Match::Differs);
        if syn == ack && !may_vary {
            return options(&syn)
                .into_iter()
                .map(|both| pair((both, both)))
                .collect();
        }
        let product = options(&syn)
            .into_iter()
            .flat_map(|syn| options(&ack).into_iter().map(move |ack| (syn, ack)));
        product.map(pair).collect()
    }

    fn pair(&self, port: Option<u16>, syn: u32, ack: u32) -> Pair {
        let packet = |flags, state| Packet {
            family: self.family,
            port,
            flags,
            state,
        };
        Pair {
            syn: packet(flag::SYN, syn),
            ack: packet(flag::ACK, ack),
        }
    }

    fn strict(&self, port: u16, walker: &Walker<'_>, pairs: &[Pair]) -> Option<Hindrance> {
        let parting = pairs.iter().find_map(|both| pair::parting(walker, both));
        let strict = parting.map(|rule| Hindrance::Strict {
            port,
            rule,
            loose: self.loose,
        });
        strict.or_else(|| given_up(walker))
    }
}

/// One of a pair.
#[derive(Clone, Copy)]
enum Side {
    Syn,
    Ack,
}

impl Side {
    const BOTH: [Self; 2] = [Self::Syn, Self::Ack];

    const fn of(self, pair: &Pair) -> &Packet {
        match self {
            Self::Syn => &pair.syn,
            Self::Ack => &pair.ack,
        }
    }
}

/// The rules of a kind that a packet may come to.
fn visits(
    walker: &Walker<'_>,
    packet: &Packet,
    wanted: fn(&Action) -> bool,
) -> Vec<(Place, Match)> {
    let mut found = Vec::new();
    walker.enter(packet, &mut |chain: &Chain, rule: &Rule, matched| {
        if wanted(&rule.action) {
            found.push((walker.place(chain, &rule.text), matched));
        }
    });
    found
}

const fn is_notrack(action: &Action) -> bool {
    matches!(action, Action::NoTrack)
}

/// Whether a packet that comes to these rules is untracked: yes, no, or both.
fn options(visits: &[(Place, Match)]) -> Vec<bool> {
    if visits.iter().any(|(_, matched)| *matched == Match::Yes) {
        vec![true]
    } else if visits.is_empty() {
        vec![false]
    } else {
        vec![true, false]
    }
}

/// The names under which rules note something else for a SYN than for an ACK.
fn uneven(entries: &[Entry<'_>]) -> BTreeSet<String> {
    let none = BTreeSet::new();
    let mut uneven = BTreeSet::new();
    for entry in entries {
        let walker = Walker::new(entry.table, entry.chain, &none);
        for pair in &entry.pairs {
            let [syn, ack] = Side::BOTH.map(|side| noted(&walker, side.of(pair)));
            uneven.extend(syn.symmetric_difference(&ack).map(|(name, _)| name.clone()));
        }
    }
    uneven
}

fn noted(walker: &Walker<'_>, packet: &Packet) -> BTreeSet<(String, String)> {
    let mut noted = BTreeSet::new();
    walker.enter(packet, &mut |_: &Chain, rule: &Rule, matched| {
        if let Action::Remember(name) = &rule.action {
            noted.insert((name.clone(), format!("{matched:?} {}", rule.text)));
        }
    });
    noted
}

/// Rules that do more than let through or drop.
fn special(walker: &Walker<'_>, pairs: &[Pair]) -> Option<Hindrance> {
    let mut found = None;
    for (pair, side) in pairs
        .iter()
        .flat_map(|pair| Side::BOTH.map(|side| (pair, side)))
    {
        walker.enter(side.of(pair), &mut |chain: &Chain, rule: &Rule, _| {
            found = found.take().or_else(|| hindrance_of(walker, chain, rule));
        });
    }
    found.or_else(|| given_up(walker))
}

fn hindrance_of(walker: &Walker<'_>, chain: &Chain, rule: &Rule) -> Option<Hindrance> {
    let place = || walker.place(chain, &rule.text);
    match rule.action {
        Action::Rewrite => Some(Hindrance::Published { rule: place() }),
        Action::SynProxy => Some(Hindrance::SynProxy { rule: place() }),
        Action::Opaque => Some(Hindrance::Unreadable {
            what: format!("it is not known what becomes of a packet at {}", place()),
            remedy: "Let the port's packets pass without coming to that rule.".to_owned(),
        }),
        _ => None,
    }
}

fn closed(walker: &Walker<'_>, pairs: &[Pair]) -> Option<Hindrance> {
    let mut last = None;
    let mut note = |chain: &Chain, rule: &Rule, _| {
        if rule.action == Action::Drop {
            last = Some(walker.place(chain, &rule.text));
        }
    };
    if pairs
        .iter()
        .any(|pair| walker.enter(&pair.syn, &mut note).accepted)
    {
        return None;
    }
    let policy = || walker.place(walker.base, "policy drop");
    Some(Hindrance::Closed {
        rule: last.unwrap_or_else(policy),
    })
}

fn given_up(walker: &Walker<'_>) -> Option<Hindrance> {
    walker.gave_up().then(|| Hindrance::Unreadable {
        what: "there are too many rules to follow them all".to_owned(),
        remedy: "Use sets and maps instead of one rule for each case.".to_owned(),
    })
}
