//! `synguard completions`.

use clap::CommandFactory as _;

use super::print;
use crate::Result;
use crate::cli::{Cli, Completions};
use crate::error::Context as _;

pub(super) fn run(args: &Completions) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "synguard", &mut script);
    print(&String::from_utf8(script).context("writing completions")?)
}
