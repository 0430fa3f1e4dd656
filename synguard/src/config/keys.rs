//! The keys: the flags of `attach`, and what clap knows of them.

use clap::{Arg, Args as _, Command, FromArgMatches as _};

use crate::cli::AttachOptions;

/// The flags of `attach` that are settings, as a command line of their own.
fn command() -> Command {
    let command = Command::new("attach")
        .no_binary_name(true)
        .disable_help_flag(true);
    AttachOptions::augment_args(command)
}

/// The settings, each by clap's id and by its key in the file.
pub(super) fn ids() -> Vec<(String, String)> {
    let named = |arg: &Arg| Some((arg.get_id().to_string(), arg.get_long()?.to_owned()));
    command().get_arguments().filter_map(named).collect()
}

/// All keys, in the order of `attach --help`.
pub fn keys() -> Vec<String> {
    ids().into_iter().map(|(_, key)| key).collect()
}

/// What is in force where nobody says anything; `None` where that is no value that a
/// flag takes.
pub fn default_of(key: &str) -> Option<String> {
    let command = command();
    let mut all = command.get_arguments();
    let arg = all.find(|arg| arg.get_long() == Some(key))?;
    let values = arg.get_default_values();
    values
        .first()
        .map(|value| value.to_string_lossy().into_owned())
}

/// The settings that these flags make; each is `--key=value`.
///
/// # Errors
///
/// The flag that cannot be, in clap's words and in one line.
pub(super) fn parse(flags: impl IntoIterator<Item = String>) -> Result<AttachOptions, String> {
    let matches = command().try_get_matches_from(flags);
    matches
        .and_then(|matches| AttachOptions::from_arg_matches(&matches))
        .map_err(|error| one_line(&error))
}

/// clap's message without its frame.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| {
        !line.is_empty() && !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let text = lines.collect::<Vec<_>>().join("; ");
    text.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;
    use crate::config::INTERFACES;

    /// What is no setting of an interface: whose, which is a key of its own, and where from.
    const NO_SETTINGS: [&str; 3] = [INTERFACES, "config", "help"];

    #[test]
    fn every_flag_of_attach_is_a_key_and_the_other_way_round() {
        let mut cli = Cli::command();
        cli.build();
        let attach = cli.find_subcommand("attach").unwrap();
        let mut flags: Vec<_> = attach
            .get_arguments()
            .filter(|arg| !NO_SETTINGS.contains(&arg.get_id().as_str()))
            .map(|arg| arg.get_long().unwrap().to_owned())
            .collect();
        let mut keys = keys();
        flags.sort();
        keys.sort();
        assert_eq!(flags, keys);
        assert!(keys.len() > 15);
    }

    #[test]
    fn what_clap_says_fits_in_a_line() {
        for (flag, said) in [
            ("--syn-rate=0", "0 is not in 1.."),
            ("--mode=nativ", "a similar value exists: 'native'"),
            ("--window=1", "time unit needed"),
            ("--keep=maybe", "possible values: true, false"),
        ] {
            let error = parse([flag.to_owned()]).unwrap_err();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains('\n') && !error.contains("Usage"), "{error}");
        }
    }
}
