//! What compiles the kernel side: found, or set up where it is missing.

mod choice;
pub mod debian;
mod facts;
mod linker;
mod remedy;
mod rustc;
mod set_up;

use anyhow::{Context as _, Result};

pub use choice::{Purpose, Toolchain};

use crate::workspace::Workspace;
use facts::Facts;

/// A toolchain that is there.
#[derive(Debug)]
pub struct Ready {
    /// Which one.
    pub toolchain: Toolchain,
    why: String,
    told: bool,
}

impl Ready {
    /// Says which one it is and why, unless setting it up said so.
    pub fn tell(&self) {
        if !self.told {
            eprintln!("{}", self.why);
        }
    }
}

/// The toolchain for `purpose`. Quick and silent where it is there already.
pub fn ensure(workspace: &Workspace, purpose: Purpose) -> Result<Ready> {
    let facts = Facts::gather(workspace);
    let lacking = match choice::choose(&facts, purpose) {
        Ok(toolchain) => return Ok(ready(toolchain, &facts, false)),
        Err(lacking) => lacking,
    };
    set_up::set_up(workspace, &lacking, &facts)?;

    let facts = Facts::gather(workspace);
    let toolchain = choice::choose(&facts, purpose)
        .ok()
        .with_context(|| format!("the eBPF toolchain was set up, but not found: {facts:?}"))?;
    let ready = ready(toolchain, &facts, true);
    eprintln!("{}", ready.why);
    Ok(ready)
}

fn ready(toolchain: Toolchain, facts: &Facts, told: bool) -> Ready {
    Ready {
        toolchain,
        why: choice::why(toolchain, facts),
        told,
    }
}
