//! `synguard report`.

use std::env;
use std::io::{IsTerminal as _, stderr};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use tokio::time::sleep;

use super::{captures, print, print_json, say, targets};
use crate::cli::{ReportArgs, ReportFormat, version};
use crate::contact::{self, Cache, Contact, Endpoints};
use crate::dataplane::{Maps, Pins};
use crate::error::Context as _;
use crate::evidence as kept;
use crate::interface::Network;
use crate::plot::Plot;
use crate::replay::Replay;
use crate::report::{self, Dossier, Evidence, Letter, Reporter, SCHEMA_VERSION, Sample};
use crate::{Error, Result, address};

/// The present rate is taken over this long.
const RATE_TIME: Duration = Duration::from_millis(500);

pub(super) async fn run(args: &ReportArgs) -> Result<()> {
    if args.capture.is_empty() {
        on_interfaces(args).await
    } else {
        in_captures(args)
    }
}

async fn on_interfaces(args: &ReportArgs) -> Result<()> {
    if args.plot.is_some() {
        return Err(Error::Usage(
            "--plot draws what a capture shows, as a running filter keeps no rates of the past: \
             add --capture with its file"
                .to_owned(),
        ));
    }
    let pins = targets::attached(args.iface.as_deref())?;
    let evidence = evidence(&pins, args).await?;
    let shown = address::show(&args.source);
    let Some(main) = report::main_of(&evidence) else {
        return Err(unknown(args, &shown, &pins));
    };
    let letter = report::letter(main, &shown, args.force)?;
    let own = Network::open()?.addresses().await?;
    tell(args, letter, evidence, &own)
}

/// Where captures are damaged, that is said at the end, as all before it counts.
fn in_captures(args: &ReportArgs) -> Result<()> {
    let settings = args.detection.settings().validated()?;
    let source = report::counted_as(&args.source, &settings.source_mask())?;
    captures::check(&args.capture, args.plot.as_ref())?;
    let mut replay = Replay::new(settings).looking_at(source);
    let fed = captures::feed(&mut replay, None, &args.capture)?;
    let outcome = replay.finish();
    let (shown, names) = (address::show(&args.source), captures::names(&args.capture));
    let Some(evidence) = report::in_capture(&names, &outcome) else {
        return Err(fed.damage.unwrap_or_else(|| unseen(&shown, &names)));
    };
    let title = format!("{shown} in {names}: what SynGuard would have done");
    let done = report::letter(&evidence, &shown, args.force)
        // Whose capture it is, and so which address was hit, only the capture can tell.
        .and_then(|letter| tell(args, letter, vec![evidence], &[]))
        .and_then(|()| picture(args, outcome.closeup_plot(&title)));
    match (done, fed.damage) {
        (Err(error), Some(damage)) => {
            say(&format!("synguard: {damage}"));
            Err(error)
        }
        (done, damage) => done.and(damage.map_or(Ok(()), Err)),
    }
}

fn picture(args: &ReportArgs, plot: Option<Plot>) -> Result<()> {
    match (&args.plot, plot) {
        (Some(picture), Some(plot)) => captures::draw(&plot, picture),
        _ => Ok(()),
    }
}

/// Makes the report of what was seen. `own` are this host's addresses.
fn tell(args: &ReportArgs, letter: Letter, evidence: Vec<Evidence>, own: &[IpAddr]) -> Result<()> {
    let mut dossier = Dossier {
        schema_version: SCHEMA_VERSION,
        source: address::show(&args.source),
        letter,
        made_at: SystemTime::now(),
        synguard_version: version(),
        reporter: reporter(args),
        destination: report::destination(args.destination, &evidence, own),
        contact: Contact::default(),
        evidence,
    };
    // What cannot be written is not looked up either.
    if args.format == ReportFormat::Xarf {
        report::xarf(&dossier, [0; 16])?;
    }
    dossier.contact = contact(args);
    write(&dossier, args)?;
    remarks(&dossier, args);
    Ok(())
}

/// What each interface knows of the source.
async fn evidence(pins: &[Pins], args: &ReportArgs) -> Result<Vec<Evidence>> {
    let maps = pins.iter().map(Maps::open).collect::<Result<Vec<_>>>()?;
    let glances = |maps: &[Maps]| -> Result<Vec<_>> {
        maps.iter()
            .map(|maps| report::glance(maps, &args.source))
            .collect()
    };
    let first = glances(&maps)?;
    sleep(RATE_TIME).await;
    let second = glances(&maps)?;
    let mut evidence = Vec::new();
    for (((pins, maps), first), second) in pins.iter().zip(&maps).zip(&first).zip(&second) {
        evidence.extend(report::on_interface(
            pins.interface(),
            maps,
            (first, second),
            samples(args, pins, second.source()),
        )?);
    }
    Ok(evidence)
}

/// The packets that were kept of it. A report without them is better than none.
fn samples(args: &ReportArgs, pins: &Pins, source: &IpNet) -> Vec<Sample> {
    kept::samples(&args.state_dir, pins.interface(), source).unwrap_or_else(|error| {
        let folder = kept::folder(&args.state_dir, pins.interface());
        say(&format!(
            "packets kept in {} cannot be read: {error}",
            folder.display()
        ));
        Vec::new()
    })
}

/// Counts end with the filter, and with what its maps have room for; packets are kept.
fn unknown(args: &ReportArgs, shown: &str, pins: &[Pins]) -> Error {
    let names: Vec<_> = pins.iter().map(Pins::interface).collect();
    let kept = names.iter().map(|name| kept::folder(&args.state_dir, name));
    let kept: Vec<_> = pins
        .iter()
        .zip(kept)
        .filter(|(pins, _)| !samples(args, pins, &args.source).is_empty())
        .map(|(_, folder)| format!("; packets of an earlier ban are in {}", folder.display()))
        .collect();
    Error::Absent(format!(
        "no such source: {} knows nothing of {shown}; `synguard status` shows the busiest \
         sources and all bans{}",
        names.join(" and "),
        kept.concat(),
    ))
}

fn unseen(shown: &str, names: &str) -> Error {
    Error::Absent(format!(
        "no such source: {names} shows no SYN from {shown}; `synguard replay` shows whom SynGuard \
         would have banned"
    ))
}

fn reporter(args: &ReportArgs) -> Option<Reporter> {
    let email = args.reporter.clone()?;
    Some(Reporter::new(email, args.organisation.clone()))
}

fn contact(args: &ReportArgs) -> Contact {
    if args.offline {
        return Contact::none("not looked up, as told by --offline".to_owned());
    }
    if stderr().is_terminal() {
        say("looking up whom to tell (a minute at most; --offline leaves it out) …");
    }
    let endpoints = Endpoints {
        bootstrap: args.rdap_bootstrap.clone(),
        whois: args.whois.clone(),
    };
    let cache = Cache::usual(
        |name| env::var_os(name),
        rustix::process::geteuid().is_root(),
    );
    contact::find(args.source.addr(), &endpoints, &cache, SystemTime::now())
}

fn write(dossier: &Dossier, args: &ReportArgs) -> Result<()> {
    if args.json {
        return print_json(dossier);
    }
    match args.format {
        ReportFormat::Mail => print(&report::mail(dossier)),
        ReportFormat::Markdown => print(&report::markdown(dossier)),
        ReportFormat::Xarf => {
            let mut random = [0; 16];
            getrandom::fill(&mut random).context("drawing a random number")?;
            print_json(&report::xarf(dossier, random)?)
        }
    }
}

/// What a person should know, and the abuse desk need not.
fn remarks(dossier: &Dossier, args: &ReportArgs) {
    let (source, class) = (&dossier.source, dossier.main().class);
    if class.is_probably_a_victim() {
        say(&match dossier.letter {
            Letter::Notice => format!(
                "{source} is probably a victim ({}): this is a notice, not an accusation",
                class.label()
            ),
            Letter::Complaint => format!(
                "{source} is probably a victim ({}), and you accuse it by --force",
                class.label()
            ),
        });
    }
    let nobody = dossier.contact.emails.is_empty();
    for problem in &dossier.contact.problems {
        let what = if nobody {
            "no abuse contact"
        } else {
            "found an abuse contact, but"
        };
        say(&format!("{what}: {problem}"));
    }
    if !nobody && args.format == ReportFormat::Xarf {
        say(&format!(
            "to be sent to {}",
            dossier.contact.emails.join(", ")
        ));
    }
    if dossier.destination.is_none() {
        say(
            "the report does not say which address was hit: add --destination with your public one",
        );
    }
    say("nothing was sent: read it, then send it yourself");
}
