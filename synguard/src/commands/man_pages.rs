//! `synguard man-pages`.

use clap::CommandFactory as _;

use crate::Result;
use crate::cli::{Cli, ManPages};
use crate::error::Context as _;

pub(super) fn run(args: &ManPages) -> Result<()> {
    clap_mangen::generate_to(Cli::command(), &args.folder)
        .context(format!("writing manual pages to {}", args.folder.display()))
}
