//! `synguard list`.

use synguard_common::abi::holder;

use super::{print, print_json, targets};
use crate::cli::List;
use crate::dataplane::{Maps, Pins};
use crate::lists::Lists;
use crate::status::{self, RuleList, SCHEMA_VERSION};
use crate::{Error, Result};

pub(super) fn run(args: &List) -> Result<()> {
    let all = targets::attached(args.interface.as_deref())?;
    let lists = all
        .iter()
        .map(|pins| rules_of(pins, args.list.as_deref()))
        .collect::<Result<Vec<_>>>()?;
    if args.json {
        return print_json(&status::RuleLists {
            schema_version: SCHEMA_VERSION,
            interfaces: lists,
        });
    }
    for list in &lists {
        print(&status::show_list(list))?;
    }
    Ok(())
}

fn rules_of(pins: &Pins, list: Option<&str>) -> Result<RuleList> {
    let maps = Maps::open(pins)?;
    let listed = list.map(|name| bit_of(&maps, name, pins)).transpose()?;
    let (rules, lists) = status::rules(&maps, listed)?;
    Ok(RuleList {
        interface: pins.interface().to_owned(),
        rules,
        lists,
    })
}

fn bit_of(maps: &Maps, name: &str, pins: &Pins) -> Result<u32> {
    let index = Lists::read(maps)?
        .find(name)
        .ok_or_else(|| Error::Absent(format!("{} has no list {name}", pins.interface())))?;
    Ok(holder::of_list(index))
}
