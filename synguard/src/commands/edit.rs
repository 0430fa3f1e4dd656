//! `synguard block`, `unblock`, `allow` and `disallow`.

use ipnet::IpNet;
use synguard_common::abi::action;

use super::targets::{Target, locked};
use crate::cli::{Allow, Block, Edit};
use crate::rules::{self, Scope, manual};
use crate::{Error, Result, protected};

pub(super) fn block(args: &Block) -> Result<()> {
    let net = args.edit.net;
    let mut targets = locked(args.edit.iface.as_deref())?;
    let ssh_peer = protected::ssh_peer();
    for target in &targets {
        let covering = target.maps.covering(&net, target.now)?;
        rules::check_block(&net, covering.as_ref(), ssh_peer)?;
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
        target.say(&said);
        if let Some(said) = rules::around_protected(&target.maps, &net)? {
            target.say(&said);
        }
        target.say_if_dry()?;
    }
    Ok(())
}

pub(super) fn allow(args: &Allow) -> Result<()> {
    let mut targets = locked(args.edit.iface.as_deref())?;
    for target in &targets {
        let exact = target.maps.rule(&args.edit.net)?;
        rules::check_allow(&args.edit.net, exact.as_ref(), args.lasting)?;
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
            target.say(&said);
        }
    }
    Ok(())
}

pub(super) fn remove(args: &Edit, action: u8) -> Result<()> {
    let mut absent = None;
    let mut removed = false;
    for target in &mut locked(args.iface.as_deref())? {
        match remove_one(target, &args.net, action) {
            Ok(said) => {
                removed = true;
                target.say(&said);
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
