//! The command line: what it looks like, nothing else.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;
use ipnet::IpNet;
use synguard_common::abi::ABI_VERSION;
use synguard_common::verdict::Reason;

use crate::address::parse_prefix;
use crate::capture::parse_reason;
use crate::config::{self, Given};
use crate::contact::{Endpoints, WhoisServer, parse_bootstrap, parse_whois};
use crate::events::{Destination, OnEvent, parse_command, parse_destination};
use crate::evidence;
use crate::lists::parse_name;
use crate::metrics::{Listen, parse_listen};
use crate::ports::Ports;
use crate::report::{parse_email, parse_organisation};
use crate::rules::{Scope, parse_lasting};
use crate::settings::{Challenge, DEFAULT, Mode, Settings, parse_confirm_within};

/// Stops SYN floods at the network card.
#[derive(Debug, Parser)]
#[command(version = version(), arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed; 2 bad input; 3 not attached, or no such rule, source or interface;
4 missing privilege; 5 kernel or interface cannot do it; 6 interface taken; 7 refused, as it would do harm;
8 a capture is damaged, and was used up to there.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Filter an interface, and watch over it until stopped.
    Attach(Attach),
    /// Show what is happening.
    Status(Status),
    /// Watch what is happening, live, and ban or allow from the list.
    Top(Top),
    /// Say what keeps this host from being filtered well, and what to do about it.
    Doctor(Doctor),
    /// Block an address or prefix.
    Block(Block),
    /// End a block or a ban.
    Unblock(Edit),
    /// Never drop anything from an address or prefix.
    Allow(Allow),
    /// End an allow.
    Disallow(Edit),
    /// List all rules.
    List(List),
    /// Write a report about a source, for whom its address belongs to.
    Report(ReportArgs),
    /// Block, or allow, what a list names.
    Import(Import),
    /// Remove an imported list.
    Unlist(Unlist),
    /// Show packets that were counted or dropped, or write them down.
    Capture(Capture),
    /// Take the filter off.
    Detach(Detach),
    /// Show what would have been done with a capture.
    Replay(Replay),
    /// Have a running controller read its configuration file again.
    Reload(OnInterface),
    /// Confirm that `attach --confirm-within` did no harm: the filter stays.
    Confirm(OnInterface),
    /// Drop nothing any more, at once: end all automatic bans and go to a dry run.
    Panic(PanicArgs),
    /// Check a configuration file, or show what is in force.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write what a shell needs to complete this command line.
    Completions(Completions),
    /// Write a manual page for each command.
    #[command(hide = true)]
    ManPages(ManPages),
}

/// Which interface.
#[derive(Args, Debug)]
pub struct OnInterface {
    /// Which interface; all that are attached if not given.
    pub interface: Option<String>,
}

/// Drop nothing any more, at once: end all automatic bans and go to a dry run.
///
/// Works with and without a controller, and holds until `--over` is said or the
/// host starts anew, whatever is attached, detached or reloaded meanwhile.
#[derive(Args, Debug)]
pub struct PanicArgs {
    /// Which interface; all that are attached if not given.
    pub interface: Option<String>,
    /// The panic is over: drop again.
    #[arg(long)]
    pub over: bool,
}

/// What to do about the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say what is wrong with a file; nothing is changed.
    Check(ConfigCheck),
    /// Show the settings in force, and where each comes from.
    Show(ConfigShow),
}

/// Say what is wrong with a file; nothing is changed.
#[derive(Args, Debug)]
pub struct ConfigCheck {
    /// The file.
    #[arg(default_value = config::PATH)]
    pub file: PathBuf,
}

/// Show the settings in force, and where each comes from.
///
/// Of an interface that is not attached: those that it would be attached with.
#[derive(Args, Debug)]
pub struct ConfigShow {
    /// Which interface; all that are attached if not given, or else the general
    /// settings of the file.
    pub interface: Option<String>,
    /// What would be in force with this file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// As JSON (docs/config.md).
    #[arg(long)]
    pub json: bool,
}

/// Filter an interface, and watch over it until stopped.
#[derive(Args, Debug)]
pub struct Attach {
    /// As in `ip link`: the one that packets from outside come in by. Globs mean whatever
    /// interfaces come and go, and want quotes: 'veth*', 'eth?'. Without, those that the
    /// configuration file names (`interfaces`).
    #[arg(value_name = "INTERFACE")]
    pub interfaces: Vec<String>,
    /// Settings for what no flag says (docs/config.md); without, those of
    /// /etc/synguard/synguard.toml, if it is there.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What the flags say; the file says the rest.
    #[command(flatten)]
    pub given: Given,
}

/// The settings of `attach`, each of which is a flag and a key of the configuration
/// file.
#[derive(Args, Clone, Debug)]
pub struct AttachOptions {
    /// In the driver, in the stack, or whichever works.
    #[arg(long, value_enum, default_value = "auto")]
    pub mode: Mode,
    /// Count and report what would have been done; drop nothing.
    #[arg(long, action = ArgAction::Set, default_value_t = false, default_missing_value = "true", num_args = 0..=1, require_equals = true, hide_default_value = true, hide_possible_values = true, value_name = "BOOL")]
    pub dry_run: bool,
    /// Leave the filter in place at the end.
    #[arg(long, action = ArgAction::Set, default_value_t = false, default_missing_value = "true", num_args = 0..=1, require_equals = true, hide_default_value = true, hide_possible_values = true, value_name = "BOOL")]
    pub keep: bool,
    /// Detach after this time, unless `synguard confirm` is run meanwhile.
    #[arg(long, default_value = "off", value_name = "TIME", value_parser = parse_confirm_within)]
    pub confirm_within: Duration,
    /// Where to keep what survives a reboot (bans, rules and lists), and the first packets of
    /// each ban, as evidence.
    #[arg(long, value_name = "FOLDER", default_value = evidence::STATE, value_parser = evidence::parse_state)]
    pub state_dir: PathBuf,
    /// What to detect and what to do about it.
    #[command(flatten)]
    pub detection: Detection,
    /// How much to log; from `debug` on the kernel side tells of every SYN.
    #[arg(long, value_enum, default_value = "info", value_name = "LEVEL")]
    pub log_level: LogLevel,
    /// What others are told.
    #[command(flatten)]
    pub telling: Telling,
}

/// What others are told; of the whole controller.
#[derive(Args, Clone, Debug)]
pub struct Telling {
    /// How to log: for people, or a JSON object a line.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Append what happens to this file, or write it to standard output with `-`: a JSON
    /// object a line (docs/events.md).
    #[arg(long, value_name = "FILE|-|off", default_value = "off", hide_default_value = true, value_parser = parse_destination)]
    pub events: Destination,
    /// Run this program for each event, with these arguments; the event is its standard
    /// input. Words are told apart as in a shell, and nothing is expanded.
    #[arg(long, value_name = "PROGRAM|off", default_value = "off", hide_default_value = true, value_parser = parse_command)]
    pub on_event: OnEvent,
    /// Show metrics to Prometheus, at `/metrics` of this address; a port by itself is one
    /// of loopback.
    #[arg(long, value_name = "[ADDRESS:]PORT|off", default_value = "off", hide_default_value = true, value_parser = parse_listen)]
    pub metrics: Listen,
}

/// What to detect and what to do about it.
#[derive(Args, Clone, Debug)]
pub struct Detection {
    /// New connections per second from one source, above which it is banned
    /// unless it completes them.
    #[arg(long, default_value_t = DEFAULT.syn_rate, value_name = "SYNS", value_parser = clap::value_parser!(u32).range(1..))]
    pub syn_rate: u32,
    /// Over how long the rate is taken.
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub window: Duration,
    /// How long a first ban lasts; every further one of the same source lasts
    /// twice as long as the one before.
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub ban_time: Duration,
    /// How long a ban lasts at most.
    #[arg(long, default_value = "1day", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub max_ban_time: Duration,
    /// How long after its last ban a source counts as new again.
    #[arg(long, default_value = "1day", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub forget_after: Duration,
    /// What bans drop: new inbound connections, or everything. With `all`, who
    /// spoofs an address can cut you off from it.
    #[arg(long, value_enum, default_value = "syn")]
    pub ban_scope: Scope,
    /// SYNs per second in all, above which those of many new sources that do not
    /// connect are reported as a spoofed flood.
    #[arg(long, default_value_t = DEFAULT.spoofed_rate, value_name = "SYNS", value_parser = clap::value_parser!(u32).range(1..))]
    pub spoofed_rate: u32,
    /// When to answer the SYNs of clients that have not connected before with SYN
    /// cookies, at the network card: `auto` does during a spoofed flood, and is the
    /// default where the sysctls allow it (`synguard doctor` says whether).
    #[arg(long, value_enum)]
    pub challenge: Option<Challenge>,
    /// Only SYNs to these: ports and ranges, as 25,80,8000-8999; all if not given.
    #[arg(
        long,
        value_name = "PORTS",
        default_value = "1-65535",
        hide_default_value = true
    )]
    pub challenge_ports: Ports,
    /// Set the sysctls that answering with cookies wants, in this host's and its
    /// containers' network namespaces, while SYNs are answered; they are put back
    /// afterwards.
    #[arg(long, action = ArgAction::Set, default_value_t = false, default_missing_value = "true", num_args = 0..=1, require_equals = true, hide_default_value = true, hide_possible_values = true, value_name = "BOOL")]
    pub manage_sysctls: bool,
    /// How many bits of an IPv4 address name one source.
    #[arg(long, default_value_t = DEFAULT.ipv4_prefix, value_name = "BITS", value_parser = clap::value_parser!(u8).range(8..=32))]
    pub ipv4_prefix: u8,
    /// How many bits of an IPv6 address name one source.
    #[arg(long, default_value_t = DEFAULT.ipv6_prefix, value_name = "BITS", value_parser = clap::value_parser!(u8).range(32..=128))]
    pub ipv6_prefix: u8,
    /// How many sources to keep account of; each takes some 200 bytes of kernel
    /// memory.
    #[arg(long, default_value_t = DEFAULT.max_sources, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1024..=16_777_216))]
    pub max_sources: u32,
    /// Room for rules about single sources, and as much again for other
    /// prefixes; 32 bytes of kernel memory each, and some 130 more once used.
    #[arg(long, default_value_t = DEFAULT.max_rules, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1024..=16_777_216))]
    pub max_rules: u32,
}

/// How much to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// And what works less well than it could.
    Warn,
    /// And what was done.
    Info,
    /// And every SYN.
    Debug,
    /// And what the libraries say.
    Trace,
}

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people, and for the journal where that reads it.
    Text,
    /// An object a line, for programs.
    Json,
}

/// Show what is happening.
#[derive(Args, Debug)]
pub struct Status {
    /// Which interface; all that are attached if not given.
    pub interface: Option<String>,
    /// As JSON (docs/status-json.md).
    #[arg(long)]
    pub json: bool,
}

/// Watch what is happening, live, and ban or allow from the list.
///
/// Needs a terminal; `?` in it names its keys. NO_COLOR turns colours off.
#[derive(Args, Debug)]
pub struct Top {
    /// Which interface; all that are attached if not given.
    pub interface: Option<String>,
}

/// Say what keeps this host from being filtered well, and what to do about it.
#[derive(Args, Debug)]
pub struct Doctor {
    /// Look at this interface, too.
    pub interface: Option<String>,
    /// As JSON (docs/doctor-json.md).
    #[arg(long)]
    pub json: bool,
}

/// List all rules.
#[derive(Args, Debug)]
pub struct List {
    /// Which interface; all that are attached if not given.
    pub interface: Option<String>,
    /// With what this imported list names.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub list: Option<String>,
    /// As JSON (docs/status-json.md).
    #[arg(long)]
    pub json: bool,
}

/// Write a report about a source, for whom its address belongs to.
///
/// It is written to standard output and never sent. Of a source whose address is
/// probably forged it makes a notice, not an accusation.
#[derive(Args, Debug)]
#[command(override_usage = "synguard report <ADDRESS|CIDR> [OPTIONS] [--capture <FILE>...]")]
#[command(mut_group("Detection", |detection| detection.requires("capture")))]
pub struct ReportArgs {
    /// An address, or a prefix as `status` shows it.
    #[arg(value_name = "ADDRESS|CIDR", value_parser = parse_prefix)]
    pub source: IpNet,
    /// A mail with its headers, XARF v4 (JSON), or Markdown.
    #[arg(long, value_enum, default_value = "mail")]
    pub format: ReportFormat,
    /// Everything as JSON (docs/report.md).
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Your mailbox, to sign with; XARF needs it.
    #[arg(long, value_name = "MAILBOX", value_parser = parse_email)]
    pub reporter: Option<String>,
    /// Your name, or that of your organisation.
    #[arg(long, value_name = "NAME", value_parser = parse_organisation, requires = "reporter")]
    pub organisation: Option<String>,
    /// The address that was hit, as the internet sees it: yours, if you are behind NAT.
    #[arg(long, value_name = "ADDRESS")]
    pub destination: Option<IpAddr>,
    /// Accuse, even where the address is probably a victim's.
    #[arg(long)]
    pub force: bool,
    /// Look nothing up; the recipient stays blank.
    #[arg(long)]
    pub offline: bool,
    /// Where to get the RDAP bootstrap files: a mirror, as a folder's URL. Plain
    /// http is trusted only if this is.
    #[arg(long, value_name = "URL", default_value = Endpoints::BOOTSTRAP, value_parser = parse_bootstrap)]
    pub rdap_bootstrap: String,
    /// The whois server to begin with where RDAP names nobody.
    #[arg(long, value_name = "HOST[:PORT]", default_value = Endpoints::WHOIS, value_parser = parse_whois)]
    pub whois: WhoisServer,
    /// What this interface saw only.
    #[arg(long, value_name = "INTERFACE")]
    pub iface: Option<String>,
    /// Where `attach` keeps the first packets of each ban.
    #[arg(long, value_name = "FOLDER", default_value = evidence::STATE)]
    pub state_dir: PathBuf,
    /// What these captures show instead, pcap or pcapng, or `-` for standard input;
    /// several are taken as the parts of one, in this order. Needs no privilege.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "iface")]
    pub capture: Vec<PathBuf>,
    /// Draw the source's SYN rate over time, as SVG, from a capture.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// What SynGuard would have detected in the captures, and done about it.
    #[command(flatten, next_help_heading = "With --capture")]
    pub detection: Detection,
}

/// How a report is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// Headers and text, for `sendmail -t` or a form.
    Mail,
    /// For abuse desks' programs.
    Xarf,
    /// For a ticket or one's own files.
    Markdown,
}

/// Block, or allow, what a list names.
///
/// Reads plain lists, Spamhaus DROP, FireHOL netsets, `ipset save` and nft sets.
/// What is allowed, and what this host depends on, is left out of block lists.
#[derive(Args, Debug)]
pub struct Import {
    /// The file, or `-` for standard input.
    pub file: PathBuf,
    /// What to call it; the file's name without its ending if not given.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub list: Option<String>,
    /// Remove what the list of this name had and the file has not. Without, the
    /// file is added to it.
    #[arg(long)]
    pub replace: bool,
    /// Allow what it names, instead of blocking it.
    #[arg(long, conflicts_with = "scope")]
    pub allow: bool,
    /// Everything, or new inbound connections only.
    #[arg(long, value_enum, default_value = "all")]
    pub scope: Scope,
    /// End it after this time; entries with an end of their own keep it.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_lasting)]
    pub lasting: Option<Duration>,
    /// On this interface only.
    #[arg(long, value_name = "INTERFACE")]
    pub iface: Option<String>,
}

/// Remove an imported list.
#[derive(Args, Debug)]
pub struct Unlist {
    /// Its name.
    #[arg(value_name = "NAME", value_parser = parse_name)]
    pub list: String,
    /// On this interface only.
    #[arg(long, value_name = "INTERFACE")]
    pub iface: Option<String>,
}

/// What to end.
#[derive(Args, Debug)]
pub struct Edit {
    /// An IPv4 or IPv6 address or prefix.
    #[arg(value_name = "ADDRESS|CIDR", value_parser = parse_prefix)]
    pub net: IpNet,
    /// On this interface only.
    #[arg(long, value_name = "INTERFACE")]
    pub iface: Option<String>,
}

/// What to allow.
#[derive(Args, Debug)]
pub struct Allow {
    /// What and where.
    #[command(flatten)]
    pub edit: Edit,
    /// End it after this time.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_lasting)]
    pub lasting: Option<Duration>,
}

/// What to block.
#[derive(Args, Debug)]
pub struct Block {
    /// What and where.
    #[command(flatten)]
    pub edit: Edit,
    /// End it after this time.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_lasting)]
    pub lasting: Option<Duration>,
    /// Everything, or new inbound connections only.
    #[arg(long, value_enum, default_value = "all")]
    pub scope: Scope,
}

/// Show packets that were counted or dropped, or write them down.
///
/// With what became of each, why, and what was known of its source. At a bounded rate,
/// so that it can run during a flood; what is left out is counted.
#[derive(Args, Debug)]
pub struct Capture {
    /// Which interface; it must be attached.
    pub interface: String,
    /// Write pcapng to this file, or with `-` to standard output, as for
    /// `ssh root@server synguard capture eth0 -w - | wireshark -k -i -`. Without, a line
    /// of text is printed for each packet.
    #[arg(short, long, value_name = "FILE|-")]
    pub write: Option<PathBuf>,
    /// Of this source only.
    #[arg(long, value_name = "ADDRESS|CIDR", value_parser = parse_prefix)]
    pub source: Option<IpNet>,
    /// Those counted for this reason only, as `status` names it; may be given several
    /// times. Without, all SYNs and whatever is dropped.
    #[arg(long = "reason", value_name = "REASON", value_parser = parse_reason())]
    pub reasons: Vec<Reason>,
    /// End after so many packets.
    #[arg(long, value_name = "PACKETS", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// At most so many packets per second.
    #[arg(long, default_value_t = 100, value_name = "PACKETS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rate: u32,
}

/// Take the filter off, and forget what was saved of its bans, rules and lists.
///
/// To take it off and have them back with the next `attach`, stop the controller instead.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct Detach {
    /// From this interface.
    pub interface: Option<String>,
    /// From every interface.
    #[arg(long)]
    pub all: bool,
}

/// Show what would have been done with a capture.
///
/// Reads pcap and pcapng files, with the parser and the decisions of the packet path
/// and the captures' own time. Needs no privilege and touches nothing.
#[derive(Args, Debug)]
pub struct Replay {
    /// The captures, or `-` for standard input; several are taken as the parts of one,
    /// in this order.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// As JSON (docs/replay-json.md).
    #[arg(long)]
    pub json: bool,
    /// Draw the SYN rate over time, as SVG.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Run every packet through the program in the kernel as well, which must decide
    /// the same; needs root.
    #[arg(long)]
    pub kernel: bool,
    /// What to detect and what to do about it.
    #[command(flatten)]
    pub detection: Detection,
}

/// Write what a shell needs to complete this command line.
#[derive(Args, Debug)]
pub struct Completions {
    /// For which shell.
    pub shell: Shell,
}

/// Write a manual page for each command: for whoever makes a package.
#[derive(Args, Debug)]
pub struct ManPages {
    /// Where to; it must exist.
    pub folder: PathBuf,
}

impl AttachOptions {
    /// As settings, not yet validated.
    pub const fn settings(&self) -> Settings {
        Settings {
            mode: self.mode,
            dry_run: self.dry_run,
            keep: self.keep,
            confirm_within: self.confirm_within,
            ..self.detection.settings()
        }
    }
}

impl Detection {
    /// The flags as settings, not yet validated.
    pub const fn settings(&self) -> Settings {
        Settings {
            syn_rate: self.syn_rate,
            window: self.window,
            ban_time: self.ban_time,
            max_ban_time: self.max_ban_time,
            forget_after: self.forget_after,
            ban_scope: self.ban_scope,
            spoofed_rate: self.spoofed_rate,
            challenge: self.challenge,
            challenge_ports: self.challenge_ports,
            manage_sysctls: self.manage_sysctls,
            ipv4_prefix: self.ipv4_prefix,
            ipv6_prefix: self.ipv6_prefix,
            max_sources: self.max_sources,
            max_rules: self.max_rules,
            ..DEFAULT
        }
    }
}

/// As `--version` says it: maps of another ABI belong to another build.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("SYNGUARD_COMMIT"));
        let tests = if cfg!(feature = "other-layout") {
            ", for tests"
        } else {
            ""
        };
        format!("{version} (commit {commit}, ABI {ABI_VERSION}{tests})")
    });
    &VERSION
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_version_names_commit_and_abi() {
        let abi = format!("ABI {ABI_VERSION})");
        assert!(version().starts_with(env!("CARGO_PKG_VERSION")));
        assert!(version().ends_with(&abi));
        // A package is built from a checkout; elsewhere there is none to name.
        let commit = version()
            .split_once(" (commit ")
            .and_then(|(_, rest)| rest.split_once(','));
        let (commit, _) = commit.expect("a commit");
        let is_hash = commit.len() == 12 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(
            is_hash || !std::path::Path::new("../.git").exists(),
            "{commit:?}"
        );
    }

    #[test]
    fn a_replay_detects_as_attach_does() {
        let cli = Cli::parse_from(["synguard", "replay", "flood.pcap"]);
        let Command::Replay(replay) = cli.command else {
            panic!("no replay")
        };
        assert_eq!(replay.detection.settings(), DEFAULT);
    }

    #[test]
    fn a_report_of_captures_detects_as_attach_does() {
        let report = |flags: &[&str]| {
            let words = ["synguard", "report", "192.0.2.7"].iter().chain(flags);
            Cli::try_parse_from(words)
        };
        let cli = report(&["--capture", "a.pcap", "b.pcap", "--plot", "out.svg"]).unwrap();
        let Command::Report(args) = cli.command else {
            panic!("no report")
        };
        assert_eq!(
            (args.capture.len(), args.detection.settings()),
            (2, DEFAULT)
        );
        assert!(report(&["--capture", "a.pcap", "--syn-rate", "5"]).is_ok());
        assert!(report(&["--capture", "a.pcap", "--iface", "eth0"]).is_err());
        assert!(report(&["--syn-rate", "5"]).is_err());
        assert!(report(&["--manage-sysctls"]).is_err());
    }

    #[test]
    fn no_flags_are_the_defaults() {
        let cli = Cli::parse_from(["synguard", "attach", "eth0"]);
        let Command::Attach(attach) = cli.command else {
            panic!("no attach")
        };
        let resolved = config::resolve(None, &attach.given, None).unwrap();
        assert_eq!(resolved.settings, DEFAULT);
    }
}
