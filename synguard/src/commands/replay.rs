//! `synguard replay`.

use super::{captures, print, print_json};
use crate::replay::{Replay, Report, Witness, show};
use crate::settings::Settings;
use crate::{Result, cli, kernel, privileges};

pub(super) fn run(args: &cli::Replay) -> Result<()> {
    let settings = args.detection.settings().validated()?;
    captures::check(&args.files, args.plot.as_ref())?;
    let mut replay = Replay::new(settings);
    let mut witness = witness(args, &settings, &replay)?;
    let fed = captures::feed(&mut replay, witness.as_mut(), &args.files)?;
    let outcome = replay.finish();
    let report = Report::new(&outcome, fed.files, witness.as_ref().map(Witness::agreed));
    if args.json {
        print_json(&report)?;
    } else {
        print(&show(&report))?;
    }
    if let Some(picture) = &args.plot {
        captures::draw(&outcome.plot(&captures::names(&args.files)), picture)?;
    }
    fed.damage.map_or(Ok(()), Err)
}

/// The program in the kernel, where it is asked.
fn witness(args: &cli::Replay, settings: &Settings, replay: &Replay) -> Result<Option<Witness>> {
    if !args.kernel {
        return Ok(None);
    }
    kernel::check()?;
    privileges::to_attach()?;
    Witness::new(settings, replay.settings()).map(Some)
}
