//! What `on-event` names: a program with its arguments, and no shell.

use std::path::Path;

use rustix::fs::{Access, access};

use crate::{Error, Result};

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    words: Vec<String>,
}

/// What to run for each event; none: nothing.
pub type OnEvent = Option<Command>;

/// `off`, or a program's path with its arguments, in words that are told apart as a shell
/// does (quotes, backslashes), of which nothing is expanded.
///
/// # Errors
///
/// Where a quote is not closed, or the program's path is relative.
pub fn parse_command(text: &str) -> Result<OnEvent, String> {
    if text == "off" {
        return Ok(None);
    }
    let words = shlex::split(text).ok_or("a quote is not closed")?;
    match words.first() {
        Some(program) if program.starts_with('/') => Ok(Some(Command { words })),
        _ => Err("give a program's path that begins at /, with its arguments, or off".to_owned()),
    }
}

impl Command {
    /// The program's path.
    pub fn program(&self) -> &Path {
        Path::new(self.words.first().map_or("", String::as_str))
    }

    /// What it is given.
    pub fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// Checks that it can be run, as far as that shows.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] where it cannot.
    pub(super) fn check(&self) -> Result<()> {
        let program = self.program();
        let wrong = if !program.is_file() {
            "there is no such file".to_owned()
        } else if let Err(failure) = access(program, Access::EXEC_OK) {
            format!("it cannot be run: {failure}")
        } else {
            return Ok(());
        };
        Err(Error::Usage(format!(
            "--on-event {}: {wrong}",
            program.display()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_and_nothing_is_expanded() {
        assert_eq!(parse_command("off"), Ok(None));
        let command = parse_command("/bin/tell --to 'the night shift' $HOME *.txt a\\ b \"\"");
        let command = command.unwrap().unwrap();
        assert_eq!(command.program(), Path::new("/bin/tell"));
        let arguments = ["--to", "the night shift", "$HOME", "*.txt", "a b", ""];
        assert_eq!(command.arguments(), arguments);
    }

    #[test]
    fn what_is_no_program_is_said() {
        for (text, said) in [
            ("", "begins at /"),
            ("tell", "begins at /"),
            ("./tell", "begins at /"),
            ("/bin/tell 'x", "quote"),
        ] {
            let error = parse_command(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        let check = |text| parse_command(text).unwrap().unwrap().check();
        assert!(check("/bin/sh").is_ok());
        for text in ["/nowhere/tell", "/etc", "/etc/passwd"] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
