//! `synguard block`, `unblock`, `allow` and `disallow`.

use ipnet::IpNet;
use synguard_common::abi::action;

use super::targets::{Target, locked};
use crate::cli::{Allow, Block, Edit};
use crate::dataplane::Maps;
use crate::rules::{self, Scope, manual};
use crate::{Error, Result, protected};

/// Whom to tell what was done.
pub(super) type Tell<'t> = &'t mut dyn FnMut(&str);

pub(super) fn block(args: &Block, tell: Tell<'_>) -> Result<()> {
    let net = args.edit.net;
    let mut targets = locked(args.edit.iface.as_deref())?;
    for target in &targets {
        check_block(&args.edit, &target.maps, target.now)?;
    }
    for target in &mut targets {
        let rule = manual(
            action::BLOCK,
            args.scope,
            args.lasting,
            &target.clock,
            target.now,
        );
        let said = rules::block(&mut target.maps, &net, rule, &target.clock)?;
        tell(&target.about(&said));
        if let Some(said) = rules::around_protected(&target.maps, &net)? {
            tell(&target.about(&said));
        }
        if let Some(said) = target.dryness()? {
            tell(&target.about(&said));
        }
    }
    Ok(())
}

/// Refuses what would do harm.
pub(super) fn check_block(edit: &Edit, maps: &Maps, now: u64) -> Result<()> {
    let covering = maps.covering(&edit.net, now)?;
    rules::check_block(&edit.net, covering.as_ref(), protected::ssh_peer())
}

pub(super) fn allow(args: &Allow, tell: Tell<'_>) -> Result<()> {
    let mut targets = locked(args.edit.iface.as_deref())?;
    for target in &targets {
        check_allow(args, &target.maps)?;
    }
    for target in &mut targets {
        let rule = manual(
            action::ALLOW,
            Scope::Syn,
            args.lasting,
            &target.clock,
            target.now,
        );
        for said in rules::allow(&mut target.maps, &args.edit.net, rule, &target.clock)? {
            tell(&target.about(&said));
        }
    }
    Ok(())
}

/// Refuses what would do harm.
pub(super) fn check_allow(args: &Allow, maps: &Maps) -> Result<()> {
    let exact = maps.rule(&args.edit.net)?;
    rules::check_allow(&args.edit.net, exact.as_ref(), args.lasting)
}

pub(super) fn remove(args: &Edit, action: u8, tell: Tell<'_>) -> Result<()> {
    let mut absent = None;
    let mut removed = false;
    for target in &mut locked(args.iface.as_deref())? {
        match remove_one(target, &args.net, action) {
            Ok(said) => {
                removed = true;
                tell(&target.about(&said));
            }
            Err(error @ Error::Absent(_)) => absent = Some(error),
            Err(error) => return Err(error),
        }
    }
    match absent {
        Some(error) if !removed => Err(error),
        _ => Ok(()),
    }
}

fn remove_one(target: &mut Target, net: &IpNet, action: u8) -> Result<String> {
    rules::remove(&mut target.maps, net, action, target.now)
}
