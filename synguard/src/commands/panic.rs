//! `synguard panic`.

use std::thread::sleep;
use std::time::{Duration, Instant};

use synguard_common::abi::{Settings, dry_run};

use super::detach::state_dir;
use super::{first_of, say, targets};
use crate::cli::PanicArgs;
use crate::dataplane::{Lock, Maps, Pins};
use crate::saved::{self, Kind};
use crate::{Result, rules};

/// A command that imports a million prefixes takes a second; who takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

pub(super) fn run(args: &PanicArgs) -> Result<()> {
    let mut errors = Vec::new();
    for pins in targets::attached(args.interface.as_deref())? {
        let done = if args.over { end(&pins) } else { begin(&pins) };
        errors.extend(done.err());
    }
    first_of(errors)
}

/// What is dropped ends first; what could fail or take its time comes after.
fn begin(pins: &Pins) -> Result<()> {
    let name = pins.interface();
    let mut maps = Maps::open(pins)?;
    let lock = patiently(pins)?;
    let settings = maps.settings()?;
    maps.set_settings(Settings {
        dry_run: settings.dry_run | dry_run::PANIC,
        ..settings
    })?;
    let lasting = pins.note_panic();
    say(&format!(
        "{name}: panic: nothing is dropped any more; `synguard panic {name} --over` ends it"
    ));
    if let Err(failure) = lasting {
        say(&format!(
            "{name}: it ends with the next `attach`, as it could not be noted ({failure})"
        ));
    }
    if lock.is_none() {
        say(&format!(
            "{name}: its bans stay, without effect, as another command holds its rules"
        ));
        return Ok(());
    }
    lift_bans(&mut maps, name)?;
    // Where no controller runs, nobody else would.
    saved::forget(&state_dir(pins), name, &[Kind::Bans]).map(drop)
}

/// The bans that were made in the panic were never meant to drop anything.
fn end(pins: &Pins) -> Result<()> {
    let name = pins.interface();
    let _lock = pins.lock_rules()?;
    let mut maps = Maps::open(pins)?;
    let settings = maps.settings()?;
    if settings.dry_run & dry_run::PANIC == 0 {
        pins.forget_panic()?;
        say(&format!("{name}: there is no panic"));
        return Ok(());
    }
    lift_bans(&mut maps, name)?;
    pins.forget_panic()?;
    let settings = maps.settings()?;
    maps.set_settings(Settings {
        dry_run: settings.dry_run & !dry_run::PANIC,
        ..settings
    })?;
    let does = if settings.dry_run & dry_run::ASKED == 0 {
        "it drops again"
    } else {
        "it is a dry run, as asked for"
    };
    say(&format!("{name}: the panic is over: {does}"));
    Ok(())
}

fn lift_bans(maps: &mut Maps, name: &str) -> Result<()> {
    let lifted = rules::lift_bans(maps)?;
    if lifted > 0 {
        let bans = crate::text::count(lifted, "ban was", "bans were");
        say(&format!("{name}: {bans} lifted"));
    }
    Ok(())
}

/// The lock on the rules, unless somebody sits on it.
fn patiently(pins: &Pins) -> Result<Option<Lock>> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = pins.try_lock_rules()? {
            return Ok(Some(lock));
        }
        if Instant::now() > end {
            return Ok(None);
        }
        sleep(POLL);
    }
}
