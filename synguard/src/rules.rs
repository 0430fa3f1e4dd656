//! Blocking and allowing: what a person may say, and what it does.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use synguard_common::abi::{NEVER, Rule, action, holder, origin, scope};

use crate::clock::Clock;
use crate::dataplane::Maps;
use crate::lists::{self, Lists};
use crate::{Error, Result, address, protected, text};

/// What a rule applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// New inbound connections only; answers to connections that this host
    /// opened still arrive.
    Syn,
    /// Every packet.
    All,
}

impl Scope {
    /// As rules hold it ([`synguard_common::abi::scope`]).
    pub const fn code(self) -> u8 {
        match self {
            Self::Syn => scope::SYN,
            Self::All => scope::ALL,
        }
    }
}

/// A rule that does nothing but exist: the start for every other one.
pub const BLANK: Rule = Rule {
    expires: NEVER,
    since: 0,
    hits: 0,
    recent_ports: 0,
    source_port: 0,
    port_set: 0,
    holders: holder::DIRECT,
    syns: 0,
    syns_per_second: 0,
    handshakes: 0,
    action: action::BLOCK,
    scope: scope::SYN,
    origin: origin::MANUAL,
    prefix_len: 0,
    #[cfg(feature = "other-layout")]
    padding: [0; synguard_common::abi::PADDING],
};

/// Ends all automatic bans and forgets all offences, with the rules locked. Gives how many
/// bans it were.
///
/// # Errors
///
/// [`Error::Failed`] where the kernel refuses.
pub fn lift_bans(maps: &mut Maps) -> Result<u64> {
    // Of a source that a list names there is none: a ban is less than a list.
    let bans = maps.rules(|_, rule| rule.origin == origin::AUTOMATIC)?;
    maps.remove_rules(bans.iter().map(|(net, _)| net))?;
    maps.forget_offences(|_| true)?;
    maps.tidy()?;
    Ok(bans.len() as u64)
}

/// A person's rule about `net`, from `now` on.
pub fn manual(
    action: u8,
    scope: Scope,
    lasting: Option<Duration>,
    clock: &Clock,
    now: u64,
) -> Rule {
    Rule {
        action,
        scope: scope.code(),
        since: now,
        expires: lasting.map_or(NEVER, |time| now.saturating_add(clock.ticks(time))),
        ..BLANK
    }
}

/// Whether a rule was made for an address that this host depends on.
pub const fn is_protection(rule: &Rule) -> bool {
    matches!(
        rule.origin,
        origin::OWN | origin::GATEWAY | origin::RESOLVER | origin::SSH_PEER
    )
}

/// Puts what was said directly in place; lists that name the prefix go on holding
/// it.
///
/// # Errors
///
/// [`Error::Failed`] where a map cannot be written.
pub fn put(maps: &mut Maps, net: &IpNet, rule: Rule) -> Result<()> {
    let listed = maps.rule(net)?.map_or(0, |before| before.holders);
    let holders = rule.holders | listed;
    maps.insert_rule(net, Rule { holders, ..rule })
}

/// Refuses to block what is allowed, and where the person sits.
///
/// # Errors
///
/// [`Error::Refused`] with the reason.
pub fn check_block(net: &IpNet, covering: Option<&Rule>, ssh_peer: Option<IpAddr>) -> Result<()> {
    let shown = address::show(net);
    if let Some(peer) = ssh_peer.filter(|peer| net.contains(peer)) {
        return Err(Error::Refused(format!(
            "your ssh session comes from {peer}: blocking {shown} would lock you out"
        )));
    }
    let Some(rule) = covering.filter(|rule| rule.action == action::ALLOW) else {
        return Ok(());
    };
    let allowed = IpNet::new(net.addr(), rule.prefix_len).map_or_else(|_| *net, |net| net.trunc());
    let allowed = address::show(&allowed);
    let why = if is_protection(rule) {
        format!(
            "{allowed} is protected ({})",
            protected::reason(rule.origin)
        )
    } else {
        format!("{allowed} is allowed")
    };
    Err(Error::Refused(format!(
        "{shown} stays open: {why}; `synguard disallow {allowed}` first if you mean it"
    )))
}

/// What to say of a block that goes around addresses that this host depends on: those
/// stay open, but clients beside them do not.
///
/// # Errors
///
/// [`Error::Failed`] where the rules cannot be read.
pub fn around_protected(maps: &Maps, net: &IpNet) -> Result<Option<String>> {
    if net.prefix_len() == net.max_prefix_len() {
        return Ok(None);
    }
    let inside = maps.rules(|inner, rule| is_protection(rule) && net.contains(inner))?;
    Ok(inside.first().map(|(address, rule)| {
        let shown = address::show(net);
        format!(
            "mind that {shown} holds {} ({}), which stays open, while everybody else there is \
             blocked: `synguard unblock {shown}` if those are your own",
            address::show(address),
            protected::reason(rule.origin),
        )
    }))
}

/// Puts a block in place and says what came of it.
///
/// # Errors
///
/// [`Error::Failed`] where a map cannot be written; so below.
pub fn block(maps: &mut Maps, net: &IpNet, rule: Rule, clock: &Clock) -> Result<String> {
    let before = maps.rule(net)?;
    // A ban's hits are the evidence of the attack: keep them.
    let hits = before.map_or(0, |before| before.hits);
    put(maps, net, Rule { hits, ..rule })?;
    let what = match rule.scope {
        scope::ALL => "all traffic",
        _ => "new connections",
    };
    let instead = match before {
        Some(before) if before.active(rule.since) => ", in place of an earlier block",
        _ => "",
    };
    Ok(format!(
        "blocked {} ({what}) {}{instead}",
        address::show(net),
        lasting(&rule, clock)
    ))
}

/// Refuses to put an end to what protects this host.
///
/// # Errors
///
/// [`Error::Refused`] with the reason.
pub fn check_allow(net: &IpNet, exact: Option<&Rule>, lasting: Option<Duration>) -> Result<()> {
    match exact.filter(|rule| is_protection(rule) && lasting.is_some()) {
        Some(rule) => Err(Error::Refused(format!(
            "{} is protected ({}) for good, which an end would take away: leave --for out",
            address::show(net),
            protected::reason(rule.origin),
        ))),
        None => Ok(()),
    }
}

/// Puts an allow in place, lifts what it contradicts, and says so.
pub fn allow(maps: &mut Maps, net: &IpNet, rule: Rule, clock: &Clock) -> Result<Vec<String>> {
    let mut said = Vec::new();
    let exact = maps.rule(net)?;
    if exact.is_some_and(|before| before.action == action::BLOCK) {
        said.push(format!("lifted the block on {}", address::show(net)));
    }
    let (bans, blocks): (Vec<_>, Vec<_>) = blocks_within(maps, net)?
        .into_iter()
        .partition(|(_, rule)| rule.origin == origin::AUTOMATIC);
    for (banned, rule) in bans {
        lists::release(maps, &banned, &rule)?;
        said.push(format!("lifted the ban on {}", address::show(&banned)));
    }
    put(maps, net, rule)?;
    said.push(format!(
        "allowed {} {}",
        address::show(net),
        lasting(&rule, clock)
    ));
    if let Some((first, _)) = blocks.first() {
        said.push(format!(
            "{} inside stay blocked, as {}: `synguard unblock` ends that",
            text::count(
                blocks.len().try_into().unwrap_or(u64::MAX),
                "narrower prefix",
                "narrower prefixes"
            ),
            address::show(first),
        ));
    }
    Ok(said)
}

/// Blocks and bans inside a wider prefix.
fn blocks_within(maps: &Maps, net: &IpNet) -> Result<Vec<(IpNet, Rule)>> {
    if net.prefix_len() == net.max_prefix_len() {
        return Ok(Vec::new());
    }
    maps.rules(|inner, rule| rule.action == action::BLOCK && net.contains(inner) && inner != net)
}

/// Reads how long a rule is to last.
///
/// # Errors
///
/// Where it is no time, or less than a second.
pub fn parse_lasting(text: &str) -> std::result::Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if time < Duration::from_secs(1) {
        return Err("a rule lasts a second at least: write 10m, 1h or 7days".to_owned());
    }
    Ok(time)
}

/// Removes a block or an allow, and says so.
///
/// # Errors
///
/// [`Error::Absent`] where there is none, naming the one that covers it.
pub fn remove(maps: &mut Maps, net: &IpNet, action: u8, now: u64) -> Result<String> {
    let shown = address::show(net);
    let (done, word, undo) = match action {
        action::ALLOW => ("no longer allowed", "allowed", "disallow"),
        _ => ("no longer blocked", "blocked", "unblock"),
    };
    match maps.rule(net)? {
        Some(rule) if rule.action == action && rule.active(now) => {
            return release(maps, net, &rule, done);
        }
        _ => {}
    }
    let covering = maps
        .covering(net, now)?
        .filter(|rule| rule.action == action);
    let hint = covering.map_or_else(String::new, |rule| {
        let wider = IpNet::new(net.addr(), rule.prefix_len).map_or(*net, |net| net.trunc());
        if rule.origin == origin::LIST {
            format!(" by itself: {wider}, which an imported list names, covers it")
        } else {
            format!(" by itself: {wider} covers it, and `synguard {undo} {wider}` removes that")
        }
    });
    Err(Error::Absent(format!("{shown} is not {word}{hint}")))
}

/// Ends what was said directly, and names the lists that go on saying something.
fn release(maps: &mut Maps, net: &IpNet, rule: &Rule, done: &str) -> Result<String> {
    let shown = address::show(net);
    let lists = Lists::read(maps)?;
    let names: Vec<_> = lists
        .each()
        .filter(|(bit, _)| rule.holders & bit != 0)
        .map(|(_, list)| lists::name(list))
        .collect();
    let names = names.join(" and ");
    if rule.origin == origin::LIST {
        return Err(Error::Absent(format!(
            "{shown} is in the list {names}: `synguard allow {shown}` lets it through all the same, \
             `synguard unlist` removes a whole list"
        )));
    }
    lists::release(maps, net, rule)?;
    Ok(if is_protection(rule) {
        format!(
            "{shown} is {done}; as it is protected ({}), it will be again within a minute, \
             unless it is blocked by then",
            protected::reason(rule.origin)
        )
    } else if names.is_empty() {
        format!("{shown} is {done}")
    } else {
        format!("{shown} is {done} by hand; it still is in the list {names}")
    })
}

fn lasting(rule: &Rule, clock: &Clock) -> String {
    match rule.expires {
        NEVER => "until removed".to_owned(),
        expires => format!("for {}", text::duration(clock.since(rule.since, expires))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        address::parse_prefix(text).unwrap()
    }

    fn rule(action: u8, origin: u8, prefix_len: u8) -> Rule {
        Rule {
            action,
            origin,
            prefix_len,
            ..BLANK
        }
    }

    #[test]
    fn what_is_allowed_cannot_be_blocked() {
        let allowed = rule(action::ALLOW, origin::MANUAL, 24);
        let error = check_block(&net("192.0.2.7"), Some(&allowed), None).unwrap_err();
        assert_eq!(error.exit_code(), 7);
        assert!(
            error.to_string().contains("192.0.2.0/24 is allowed"),
            "{error}"
        );
    }

    #[test]
    fn what_the_host_depends_on_cannot_be_blocked() {
        let gateway = rule(action::ALLOW, origin::GATEWAY, 32);
        let error = check_block(&net("192.0.2.1"), Some(&gateway), None).unwrap_err();
        assert!(error.to_string().contains("default gateway"), "{error}");
    }

    #[test]
    fn nobody_saws_off_the_branch_he_sits_on() {
        let peer = "198.51.100.9".parse().ok();
        assert!(check_block(&net("198.51.100.0/24"), None, peer).is_err());
        assert!(check_block(&net("203.0.113.0/24"), None, peer).is_ok());
    }

    #[test]
    fn a_block_may_replace_a_block() {
        let blocked = rule(action::BLOCK, origin::AUTOMATIC, 32);
        assert!(check_block(&net("192.0.2.7"), Some(&blocked), None).is_ok());
    }
}
