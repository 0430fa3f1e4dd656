//! `synguard confirm`.

use synguard_common::abi::{NEVER, Settings};

use super::{first_of, targets};
use crate::cli::OnInterface;
use crate::{Error, Result};

pub(super) fn run(args: &OnInterface) -> Result<()> {
    let mut errors = Vec::new();
    // One that cannot be confirmed shall not keep the others from it.
    for pins in targets::attached(args.interface.as_deref())? {
        let done = targets::lock(&pins).and_then(|mut target| confirm(&mut target));
        errors.extend(done.err());
    }
    first_of(errors)
}

fn confirm(target: &mut targets::Target) -> Result<()> {
    let settings = target.maps.settings()?;
    if settings.passes_from == NEVER {
        target.say("there is nothing to confirm");
        return Ok(());
    }
    let name = target.name();
    if settings.passes_from <= target.now {
        return Err(Error::Absent(format!(
            "{name}: too late: nobody confirmed it in time, and it has dropped nothing since; \
             `synguard attach {name}` does it again"
        )));
    }
    target.maps.set_settings(Settings {
        passes_from: NEVER,
        ..settings
    })?;
    target.say("confirmed: the filter stays");
    Ok(())
}
