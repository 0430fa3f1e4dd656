//! The command line: what it looks like, nothing else.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;

use crate::address::parse_prefix;
use crate::rules::{Scope, parse_lasting};
use crate::settings::{Mode, Settings};

/// Stops SYN floods at the network card.
#[derive(Debug, Parser)]
#[command(version = version(), arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed; 2 bad input; 3 not attached, or no such rule or interface;
4 missing privilege; 5 kernel or interface cannot do it; 6 interface taken; 7 refused, as it would do harm.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Filter an interface, and watch over it until stopped.
    Attach(Attach),
    /// Show what is happening.
    Status(Status),
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
    /// Take the filter off.
    Detach(Detach),
}

/// Filter an interface, and watch over it until stopped.
#[derive(Args, Debug)]
pub struct Attach {
    /// As in `ip link`: the one that packets from outside come in by.
    #[arg(required = true, value_name = "INTERFACE")]
    pub interfaces: Vec<String>,
    /// In the driver, in the stack, or whichever works.
    #[arg(long, value_enum, default_value = "auto")]
    pub mode: Mode,
    /// Count and report what would have been done; drop nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Leave the filter in place at the end.
    #[arg(long)]
    pub keep: bool,
    /// New connections per second from one source, above which it is banned
    /// unless it completes them.
    #[arg(long, default_value_t = 50, value_name = "SYNS", value_parser = clap::value_parser!(u32).range(1..))]
    pub syn_rate: u32,
    /// Over how long the rate is taken.
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub window: Duration,
    /// How long a ban lasts.
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub ban_time: Duration,
    /// How much to log; from `debug` on the kernel side tells of every SYN.
    #[arg(long, value_enum, default_value = "info", value_name = "LEVEL")]
    pub log_level: LogLevel,
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

/// Show what is happening.
#[derive(Args, Debug)]
pub struct Status {
    /// Which interface; all that are attached if not given.
    pub interface: Option<String>,
    /// As JSON (docs/status-json.md).
    #[arg(long)]
    pub json: bool,
}

/// List all rules.
#[derive(Args, Debug)]
pub struct List {
    /// Which interface; all that are attached if not given.
    pub interface: Option<String>,
    /// As JSON (docs/status-json.md).
    #[arg(long)]
    pub json: bool,
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

/// Take the filter off.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct Detach {
    /// From this interface.
    pub interface: Option<String>,
    /// From every interface.
    #[arg(long)]
    pub all: bool,
}

impl Attach {
    /// The flags as settings, not yet validated.
    pub const fn settings(&self) -> Settings {
        Settings {
            mode: self.mode,
            dry_run: self.dry_run,
            keep: self.keep,
            syn_rate: self.syn_rate,
            window: self.window,
            ban_time: self.ban_time,
        }
    }
}

const fn version() -> &'static str {
    concat!(
        env!("CARGO_PKG_VERSION"),
        " (",
        env!("SYNGUARD_COMMIT"),
        ")"
    )
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
    fn the_defaults_are_valid() {
        let cli = Cli::parse_from(["synguard", "attach", "eth0"]);
        let Command::Attach(attach) = cli.command else {
            panic!("no attach")
        };
        assert!(attach.settings().validated().is_ok());
    }
}
