//! `synguard list`.

use super::{print, print_json, targets};
use crate::Result;
use crate::cli::List;
use crate::dataplane::{Maps, Pins};
use crate::status::{self, RuleList, SCHEMA_VERSION};

pub(super) fn run(args: &List) -> Result<()> {
    let all = targets::attached(args.interface.as_deref())?;
    let lists = all.iter().map(rules_of).collect::<Result<Vec<_>>>()?;
    if args.json {
        return print_json(&status::Lists {
            schema_version: SCHEMA_VERSION,
            interfaces: lists,
        });
    }
    for list in &lists {
        print(&status::show_list(list))?;
    }
    Ok(())
}

fn rules_of(pins: &Pins) -> Result<RuleList> {
    let maps = Maps::open(pins)?;
    Ok(RuleList {
        interface: pins.interface().to_owned(),
        rules: status::rules(&maps)?,
    })
}
