//! The command line, and nothing else.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

/// Builds, checks, tests and runs SynGuard.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// One task.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Find the eBPF toolchain; as root on Debian, install what is missing.
    Setup,
    /// Build the kernel side and show its size and what the verifier says.
    BuildEbpf,
    /// Formatting, lints for both sides, and the import rules.
    Check,
    /// Build everything; the program is then target/release/synguard.
    Build,
    /// Build the program with another map layout too, which some end-to-end cases need:
    /// target/release/synguard-other-layout. `cargo xtask test` does this too.
    BuildOtherLayout,
    /// Build everything, then run synguard with the arguments after `--`.
    Run {
        /// The arguments of synguard.
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Run every check and every test. Needs root for the end-to-end cases.
    ///
    /// The arguments after `--` go to the end-to-end test binary alone:
    /// `cargo xtask test -- blocklist --nocapture` runs all that comes before
    /// and, of the end-to-end cases, those with "blocklist" in their name.
    Test {
        /// The arguments of the end-to-end test binary.
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Test on the kernels of Debian 12 and 13, in software emulation.
    ///
    /// The kernels are Debian's packages, downloaded once to target/kernels
    /// and never installed. `cargo xtask test` does this too, at its end.
    Kernels,
    /// Make the packages: a .deb and a tarball, in target/dist.
    Dist,
    /// Measure SynGuard side by side with its peers. Needs root.
    ///
    /// `cargo xtask bench -- packet --rounds 5` measures one part, quickly;
    /// `cargo xtask bench -- --help` tells of the others.
    Bench {
        /// The arguments of the benchmark.
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Show a flood and its end in network namespaces. Needs root.
    Demo {
        /// The arguments of the demonstration.
        #[arg(last = true)]
        args: Vec<OsString>,
    },
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
    fn what_follows_two_dashes_is_not_ours() {
        let cli = Cli::parse_from(["cargo xtask", "run", "--", "attach", "--help"]);
        let Task::Run { args } = cli.task else {
            panic!("not run: {cli:?}")
        };
        assert_eq!(args, ["attach", "--help"]);
    }
}
