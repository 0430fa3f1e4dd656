//! The settings of `attach`: what a file says, what flags say, and what is in force.
//!
//! The keys of the file are the flags of `attach`, by the command line's own
//! definition, and a value is parsed as the flag's would be. Flags beat the file; in the
//! file, an interface's section beats what stands before the sections.

mod fault;
mod file;
mod given;
mod in_force;
mod keys;
mod reader;
mod resolve;
#[cfg(test)]
mod shipped;
mod show;
mod wanted;

pub use fault::Fault;
pub use file::{Entry, File};
pub use given::Given;
pub use in_force::{InForce, Outcome};
pub(crate) use in_force::{ask, asked, remove};
pub use keys::{default_of, keys};
pub use resolve::{Resolved, Source, resolve};
pub use show::{SCHEMA_VERSION, ShownInterface, ShownSettings, show};
pub use wanted::{INTERFACES, Wanted};

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the file is looked for where none is named.
pub const PATH: &str = "/etc/synguard/synguard.toml";

/// The value of a key, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// As a flag takes it.
    pub value: String,
    /// Who says so.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A file.
    File {
        /// Which.
        file: PathBuf,
        /// The line of the key, from 1.
        line: usize,
    },
    /// The command line.
    Flag,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Flag => f.write_str("flag"),
        }
    }
}
