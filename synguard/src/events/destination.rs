//! Where events are written.

use std::path::PathBuf;

/// Where events are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Nowhere.
    Off,
    /// To standard output.
    Stdout,
    /// To the end of a file.
    File(PathBuf),
}

/// `off`, `-` for standard output, or a file's path.
///
/// # Errors
///
/// Where the path is relative: a service and who rotates its files stand in other places.
pub fn parse_destination(text: &str) -> Result<Destination, String> {
    match text {
        "off" => Ok(Destination::Off),
        "-" => Ok(Destination::Stdout),
        path if path.starts_with('/') && !path.ends_with('/') => {
            Ok(Destination::File(PathBuf::from(path)))
        }
        other => Err(format!(
            "{other} is no file's path that begins at /: give one, - for standard output, or off"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_whole_path_or_a_word() {
        assert_eq!(parse_destination("off"), Ok(Destination::Off));
        assert_eq!(parse_destination("-"), Ok(Destination::Stdout));
        let file = Destination::File(PathBuf::from("/var/log/synguard.jsonl"));
        assert_eq!(parse_destination("/var/log/synguard.jsonl"), Ok(file));
        for wrong in ["", "events.jsonl", "./x", "/var/log/"] {
            assert!(parse_destination(wrong).is_err(), "{wrong}");
        }
    }
}
