//! The flags that somebody gave, without those that clap fills in.

use std::collections::BTreeMap;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::keys;
use crate::cli::AttachOptions;

/// The flags that were given, by key. clap has seen that their values can be.
#[derive(Clone, Debug, Default)]
pub struct Given(pub(super) BTreeMap<String, String>);

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Self::default();
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for (id, key) in keys::ids() {
            if matches.value_source(&id) != Some(ValueSource::CommandLine) {
                continue;
            }
            let mut values = matches.get_raw(&id).into_iter().flatten();
            if let Some(value) = values.next_back() {
                self.0.insert(key, value.to_string_lossy().into_owned());
            }
        }
        Ok(())
    }
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        AttachOptions::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        AttachOptions::augment_args_for_update(command)
    }
}
