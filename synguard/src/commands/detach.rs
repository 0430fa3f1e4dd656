//! `synguard detach`.

use super::{first_of, say, targets};
use crate::Result;
use crate::cli::Detach;
use crate::dataplane::Pins;

pub(super) fn run(args: &Detach) -> Result<()> {
    let mut errors = Vec::new();
    for pins in targets::attached(args.interface.as_deref())? {
        match detach(&pins) {
            Ok(()) => say(&format!("{}: detached", pins.interface())),
            Err(error) => errors.push(error),
        }
    }
    first_of(errors)
}

fn detach(pins: &Pins) -> Result<()> {
    let _lock = pins.lock_rules()?;
    pins.remove()
}
