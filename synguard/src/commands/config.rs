//! `synguard config check` and `config show`.

use synguard_common::abi::dry_run;

use super::{print, print_json, say};
use crate::cli::{ConfigCheck, ConfigCommand, ConfigShow};
use crate::config::{
    self, File, Given, INTERFACES, InForce, SCHEMA_VERSION, ShownInterface, ShownSettings, Source,
};
use crate::dataplane::{Maps, Pins, attached_interfaces};
use crate::{Error, Result, privileges};

pub(super) fn run(command: &ConfigCommand) -> Result<()> {
    match command {
        ConfigCommand::Check(args) => check(args),
        ConfigCommand::Show(args) => show(args),
    }
}

fn check(args: &ConfigCheck) -> Result<()> {
    let file = File::read(&args.file)?;
    let sections: Vec<_> = file.interfaces.keys().map(String::as_str).collect();
    let sections = match &sections[..] {
        [] => String::new(),
        some => format!(" (sections for {})", some.join(", ")),
    };
    say(&format!(
        "{}: nothing is wrong with it{sections}",
        args.file.display()
    ));
    Ok(())
}

fn show(args: &ConfigShow) -> Result<()> {
    let interfaces = interfaces(args)?;
    if args.json {
        return print_json(&ShownSettings {
            schema_version: SCHEMA_VERSION,
            interfaces,
        });
    }
    let shown: Vec<_> = interfaces.iter().map(config::show).collect();
    print(&shown.join("\n"))
}

fn interfaces(args: &ConfigShow) -> Result<Vec<ShownInterface>> {
    let wanted = args.interface.as_deref();
    let attached = match &args.config {
        // What would be, not what is.
        Some(_) => Vec::new(),
        None => attached_interfaces()?,
    };
    match wanted {
        Some(name) if attached.iter().any(|other| other == name) => Ok(vec![in_force(name)?]),
        None if !attached.is_empty() => attached.iter().map(|name| in_force(name)).collect(),
        _ => Ok(vec![preview(args)?]),
    }
}

fn in_force(name: &str) -> Result<ShownInterface> {
    privileges::to_use_maps()?;
    let pins = Pins::of(name);
    let told = InForce::read(&pins)?.ok_or_else(|| {
        Error::Absent(format!(
            "no controller said what it attached {name} with: `synguard attach {name}` takes over \
             and does"
        ))
    })?;
    Ok(ShownInterface {
        interface: Some(name.to_owned()),
        attached: true,
        controller_pid: pins.controller(),
        panic: Maps::open(&pins)?.settings()?.dry_run & dry_run::PANIC != 0,
        config: told.config,
        values: told.values,
    })
}

fn preview(args: &ConfigShow) -> Result<ShownInterface> {
    let source = Source::new(args.config.as_deref(), &Given::default())?;
    let file = source.read()?;
    let mut resolved = source.resolve_with(file.as_ref(), args.interface.as_deref())?;
    let wanted = file.as_ref().and_then(File::wanted);
    let wanted = wanted.filter(|_| args.interface.is_none());
    resolved
        .values
        .extend(wanted.map(|wanted| (INTERFACES.to_owned(), wanted)));
    Ok(ShownInterface {
        interface: args.interface.clone(),
        attached: false,
        controller_pid: None,
        panic: false,
        config: source.path().to_owned(),
        values: resolved.values,
    })
}
