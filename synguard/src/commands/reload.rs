//! `synguard reload`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::{first_of, say, targets};
use crate::cli::OnInterface;
use crate::config::{self, File, InForce, Outcome};
use crate::dataplane::{Lock, Pins};
use crate::error::Context as _;
use crate::{Error, Result};

/// A controller answers within its tick, or after the errand that is under way.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A controller that was asked.
struct Asked {
    pins: Pins,
    controller: u32,
    request: u64,
    _lock: Lock,
}

pub(super) async fn run(args: &OnInterface) -> Result<()> {
    let (attached, waited_for) = targets::attached_or_waited_for(args.interface.as_deref())?;
    check_files(&attached)?;
    let mut errors = Vec::new();
    let mut asked = Vec::new();
    for pins in attached {
        match ask(pins) {
            Ok(controller) => asked.push(controller),
            Err(error) => errors.push(error),
        }
    }
    // One may watch several interfaces.
    let mut controllers: BTreeSet<_> = asked.iter().map(|asked| asked.controller).collect();
    for pins in waited_for {
        let name = pins.interface();
        if let Some(controller) = pins.controller().filter(|pid| controllers.insert(*pid)) {
            say(&format!(
                "{name}: its controller (process {controller}) reads its file"
            ));
        }
    }
    for controller in controllers {
        errors.extend(hang_up(controller).err());
    }
    for asked in &asked {
        match answer(asked).await {
            Ok(outcome) => errors.extend(tell(asked.pins.interface(), outcome).err()),
            Err(error) => errors.push(error),
        }
    }
    first_of(errors)
}

/// Says what is wrong with the files before anybody reads them.
fn check_files(attached: &[Pins]) -> Result<()> {
    let mut files = BTreeSet::new();
    for pins in attached {
        files.extend(InForce::read(pins)?.map(|told| told.config));
    }
    let unnamed = |path: &PathBuf| path.as_os_str() == config::PATH;
    for path in files {
        match File::read(&path) {
            Err(Error::Absent(_)) if unnamed(&path) => {}
            Err(Error::Usage(faults)) => {
                return Err(Error::Usage(format!(
                    "{faults}\nnothing was changed: the settings stay as they were"
                )));
            }
            read => drop(read?),
        }
    }
    Ok(())
}

fn ask(pins: Pins) -> Result<Asked> {
    let lock = pins.lock_reload()?;
    let Some(controller) = pins.controller() else {
        let name = pins.interface();
        return Err(Error::Absent(format!(
            "no controller runs for {name}, so nobody reads its file: `synguard attach {name}` \
             takes over and does"
        )));
    };
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).context("drawing a random number")?;
    let request = u64::from_ne_bytes(bytes);
    config::ask(&pins, request)?;
    Ok(Asked {
        pins,
        controller,
        request,
        _lock: lock,
    })
}

fn hang_up(controller: u32) -> Result<()> {
    let pid = i32::try_from(controller).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| format!("no process {controller}"));
    let pid = pid.context("asking the controller")?;
    kill_process(pid, Signal::HUP).context(format!("asking the controller (process {controller})"))
}

async fn answer(asked: &Asked) -> Result<Outcome> {
    let name = asked.pins.interface();
    let end = Instant::now() + PATIENCE;
    loop {
        let told = InForce::read(&asked.pins)?;
        if let Some(told) = told.filter(|told| told.answered == Some(asked.request)) {
            return Ok(told.outcome);
        }
        let wrong = if asked.pins.controller() != Some(asked.controller) {
            if !asked.pins.exist() {
                return Ok(detached());
            }
            "ended"
        } else if Instant::now() > end {
            "does not answer"
        } else {
            sleep(POLL).await;
            continue;
        };
        return Err(format!("process {} {wrong}", asked.controller))
            .context(format!("waiting for the controller of {name}"));
    }
}

/// What became of an interface that the file names no longer.
fn detached() -> Outcome {
    Outcome {
        changed: vec!["detached, as `interfaces` no longer names it".to_owned()],
        ..Outcome::default()
    }
}

fn tell(name: &str, outcome: Outcome) -> Result<()> {
    if let Some(why) = outcome.refused {
        return Err(Error::Usage(format!("{name}: nothing was changed: {why}")));
    }
    for change in &outcome.changed {
        say(&format!("{name}: {change}"));
    }
    for kept in &outcome.kept {
        say(&format!("{name}: not changed: {kept}"));
    }
    if outcome.changed.is_empty() && outcome.kept.is_empty() {
        say(&format!("{name}: read again, nothing is new"));
    }
    Ok(())
}
