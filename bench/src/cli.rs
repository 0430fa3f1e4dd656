//! The command line, and nothing else.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use serde::Serialize;

/// Measures SynGuard side by side with its peers, in network namespaces.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask bench --")]
pub struct Cli {
    /// Only these parts; all unless given.
    #[arg(value_enum)]
    pub parts: Vec<Part>,
    /// How often each thing is measured.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: u16,
    /// Also write everything to this file as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Nanoseconds per packet, by BPF_PROG_TEST_RUN.
    Packet,
    /// A flood over a veth pair: packets per second, and what each costs.
    Wire,
    /// SYNs answered with cookies: how many one core can.
    Answers,
    /// How legitimate clients fare during a flood.
    Clients,
    /// Promotion, import, status, the controller's CPU and memory.
    Control,
    /// Captures, replayed without a network.
    Replay,
}

impl Cli {
    /// The parts to run, in their order.
    pub fn chosen(&self) -> Vec<Part> {
        let wanted = |part: &Part| self.parts.is_empty() || self.parts.contains(part);
        Part::value_variants()
            .iter()
            .copied()
            .filter(wanted)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn all_parts_unless_some_are_named() {
        assert_eq!(Cli::parse_from(["bench"]).chosen().len(), 6);
        let cli = Cli::parse_from(["bench", "control", "packet"]);
        assert_eq!(cli.chosen(), [Part::Packet, Part::Control]);
    }
}
