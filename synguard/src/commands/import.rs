//! `synguard import` and `unlist`.

use std::io::Read as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

use indicatif::{ProgressBar, ProgressStyle};
use ipnet::IpNet;
use synguard_common::abi::{NEVER, action, scope};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::targets::{Target, locked};
use crate::cli::{Import, Unlist};
use crate::error::Context as _;
use crate::import::{self, Entry};
use crate::lists::{LeftOut, Lists, Prepared, Swap, leave_out, parse_name};
use crate::{Error, Result, address, protected, text};

/// So many of the entries that were left out are named.
const NAMED: usize = 3;

pub(super) fn import(args: &Import) -> Result<()> {
    let name = name(args)?;
    let bytes = read(&args.file)?;
    let entries = parse(&bytes, &args.file)?;
    if entries.is_empty() {
        return Err(Error::Usage(format!(
            "{} names no prefix, and nothing was changed: `synguard unlist {name}` removes a list",
            args.file.display()
        )));
    }
    let _unstopped = hold_off_stop()?;
    let mut targets = locked(args.iface.as_deref())?;
    let mut prepared = Vec::new();
    for target in &mut targets {
        match prepare(target, args, &name, &entries) {
            Ok(swap) => prepared.push(swap),
            Err(error) => return undo(&mut targets, prepared, error),
        }
    }
    for (target, (prepared, left_out)) in targets.iter_mut().zip(prepared) {
        let prefixes = prepared.commit(&mut target.maps)?;
        report(target, args, &name, prefixes, &left_out)?;
    }
    Ok(())
}

pub(super) fn unlist(args: &Unlist) -> Result<()> {
    let _unstopped = hold_off_stop()?;
    let mut removed = false;
    for target in &mut locked(args.iface.as_deref())? {
        if Lists::read(&target.maps)?.find(&args.list).is_none() {
            continue;
        }
        let swap = Swap {
            name: &args.list,
            action: action::BLOCK,
            scope: scope::SYN,
            replace: true,
            entries: &[],
            now: target.now,
            date: 0,
        };
        swap.prepare(&mut target.maps)?.commit(&mut target.maps)?;
        target.say(&format!("removed the list {}", args.list));
        removed = true;
    }
    if removed {
        return Ok(());
    }
    Err(Error::Absent(format!(
        "there is no list {}: `synguard list` shows those that there are",
        args.list
    )))
}

/// ^Z would stop this with the rules locked, and the controller would wait; from here on it
/// takes a few seconds at most. Within a tokio runtime.
fn hold_off_stop() -> Result<Signal> {
    signal(SignalKind::from_raw(libc::SIGTSTP)).context("holding off ^Z")
}

fn name(args: &Import) -> Result<String> {
    if let Some(name) = &args.list {
        return Ok(name.clone());
    }
    let stem = args.file.file_stem().and_then(|stem| stem.to_str());
    stem.filter(|_| args.file != Path::new("-"))
        .and_then(|stem| parse_name(stem).ok())
        .ok_or_else(|| Error::Usage("name the list: --list NAME".to_owned()))
}

fn read(file: &Path) -> Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        let read = io::stdin().read_to_end(&mut bytes);
        return read.map(|_| bytes).context("reading standard input");
    }
    fs::read(file)
        .map_err(|error| Error::Usage(format!("{} cannot be read: {error}", file.display())))
}

/// Reads the list; long ones with a bar, where somebody looks.
fn parse(bytes: &[u8], file: &Path) -> Result<Vec<Entry>> {
    let style = ProgressStyle::with_template("reading {bar:40} {bytes} of {total_bytes}");
    let bar = ProgressBar::new(bytes.len() as u64).with_style(style.context("making a bar")?);
    let entries = import::parse(bytes, &mut |done| bar.set_position(done));
    bar.finish_and_clear();
    entries.map_err(|bad| Error::Usage(format!("{}: nothing was changed: {bad}", file.display())))
}

fn prepare(
    target: &mut Target,
    args: &Import,
    name: &str,
    entries: &[Entry],
) -> Result<(Prepared, LeftOut)> {
    let spinner = ProgressBar::new_spinner().with_message(format!("{} prefixes", entries.len()));
    spinner.tick();
    let expires = |entry: &Entry| {
        let lasting = entry.lasting.or(args.lasting);
        lasting.map_or(NEVER, |time| {
            target.now.saturating_add(target.clock.ticks(time))
        })
    };
    let mut entries: Vec<(IpNet, u64)> = entries
        .iter()
        .map(|entry| (entry.net, expires(entry)))
        .collect();
    let left_out = if args.allow {
        LeftOut::default()
    } else {
        let allows = target
            .maps
            .rules(|_, rule| rule.action == action::ALLOW && rule.active(target.now))?;
        leave_out(&mut entries, &allows, protected::ssh_peer())
    };
    if entries.is_empty() {
        return Err(Error::Refused(
            "all that it names is allowed, or holds an address that this host depends on: nothing \
             was changed"
                .to_owned(),
        ));
    }
    let swap = Swap {
        name,
        action: if args.allow {
            action::ALLOW
        } else {
            action::BLOCK
        },
        scope: if args.allow {
            scope::SYN
        } else {
            args.scope.code()
        },
        replace: args.replace,
        entries: &entries,
        now: target.now,
        date: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
    };
    let prepared = swap.prepare(&mut target.maps)?;
    spinner.finish_and_clear();
    Ok((prepared, left_out))
}

fn undo(targets: &mut [Target], done: Vec<(Prepared, LeftOut)>, error: Error) -> Result<()> {
    for (target, (prepared, _)) in targets.iter_mut().zip(done) {
        prepared.undo(&mut target.maps)?;
    }
    Err(error)
}

fn report(
    target: &Target,
    args: &Import,
    name: &str,
    prefixes: u64,
    left_out: &LeftOut,
) -> Result<()> {
    let verb = if args.allow { "allows" } else { "blocks" };
    let prefixes = text::count(prefixes, "prefix", "prefixes");
    target.say(&format!("the list {name} {verb} {prefixes}"));
    if left_out.allowed > 0 {
        let entries = text::count(left_out.allowed, "entry", "entries");
        target.say(&format!("left out {entries} that an allow covers"));
    }
    for (net, why) in left_out.depended_on.iter().take(NAMED) {
        target.say(&format!(
            "left out {0}, as {why}: `synguard block {0}` if you mean it",
            address::show(net)
        ));
    }
    if let Some(more @ 1..) = left_out.depended_on.len().checked_sub(NAMED) {
        target.say(&format!("left out {more} more like it"));
    }
    if let Some(said) = target.dryness()? {
        target.say(&said);
    }
    Ok(())
}
