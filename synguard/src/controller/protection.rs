//! Rules for the addresses that this host depends on.

use ipnet::IpNet;
use synguard_common::abi::{Rule, action, origin};

use crate::Result;
use crate::dataplane::Maps;
use crate::lists;
use crate::protected::Protected;
use crate::rules::{BLANK, is_protection, put};

/// Makes the protections those of `protected`: earlier ones go, new ones come,
/// automatic bans of them are lifted, and what a person said stays.
pub(crate) fn renew(maps: &mut Maps, protected: &Protected, now: u64) -> Result<()> {
    let outdated =
        maps.rules(|net, rule| is_protection(rule) && !protected.contains_key(&net.addr()))?;
    for (net, rule) in outdated {
        lists::release(maps, &net, &rule)?;
    }
    for (address, why) in protected {
        let net = IpNet::from(*address);
        // What a person said stays, and so do the hits of what is there.
        let said = maps.rule(&net)?.is_some_and(|rule| {
            rule.active(now) && (rule.origin == origin::MANUAL || rule.origin == *why)
        });
        if !said {
            put(maps, &net, protection(*why, now))?;
        }
    }
    Ok(())
}

const fn protection(why: u8, now: u64) -> Rule {
    Rule {
        action: action::ALLOW,
        origin: why,
        since: now,
        ..BLANK
    }
}
