//! A configuration file, read: pure but for [`File::read`].

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::fault::{Fault, error};
use super::reader::Reader;
use super::{Origin, Value, Wanted};
use crate::error::Context as _;
use crate::interface::Pattern;
use crate::{Error, Result};

/// No configuration is larger, in bytes.
const MOST: u64 = 1 << 20;

/// A key in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As a flag takes it.
    pub value: String,
    /// Of the key, from 1.
    pub line: usize,
}

/// Keys and values of a section.
pub type Section = BTreeMap<String, Entry>;

/// A configuration file in which nothing is wrong.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Where it was read from.
    pub path: PathBuf,
    /// What to attach to, if it says so.
    pub wanted: Option<Wanted>,
    /// What holds for all interfaces.
    pub general: Section,
    /// What holds for one, by its name, or for those that a glob means.
    pub interfaces: BTreeMap<String, Section>,
}

impl File {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with a line for everything that is wrong with it,
    /// [`Error::Absent`] where it is not there, [`Error::Failed`] where it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let text = text(path)?;
        Self::parse(path, &text).map_err(|faults| error(path, &faults))
    }

    /// Checks the text of a file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, by line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Fault>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader::new(text);
        for error in errors {
            let offset = error.span().map_or(text.len(), |span| span.start);
            reader.fault(offset, error.message().to_owned());
        }
        if reader.faults.is_empty() {
            let mut file = reader.file(table.get_ref());
            path.clone_into(&mut file.path);
            reader.check_sections(&file);
            if reader.faults.is_empty() {
                return Ok(file);
            }
        }
        reader.faults.sort_by_key(|fault| fault.line);
        Err(reader.faults)
    }

    /// What it says of what to attach to.
    pub fn wanted(&self) -> Option<Value> {
        let wanted = self.wanted.as_ref()?;
        Some(Value {
            value: wanted.shown(),
            origin: Origin::File {
                file: self.path.clone(),
                line: wanted.line,
            },
        })
    }

    /// What it says about an interface, or in general. Of several sections that mean the
    /// interface, the one beats the others that says the most of its name.
    pub fn section(&self, interface: Option<&str>) -> Section {
        let sections = self.interfaces.iter();
        let mut own: Vec<_> = sections
            .map(|(name, section)| (Pattern::new(name), section))
            .filter(|(pattern, _)| interface.is_some_and(|name| pattern.matches(name)))
            .collect();
        own.sort_by_key(|(pattern, _)| pattern.weight());
        let mut section = self.general.clone();
        for (_, own) in own {
            section.extend(own.clone());
        }
        section
    }
}

fn text(path: &Path) -> Result<String> {
    let doing = || format!("reading {}", path.display());
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::Absent(format!("there is no {}", path.display())));
        }
        file => file.context(doing())?,
    };
    let mut text = String::new();
    let read = file.take(MOST + 1).read_to_string(&mut text);
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(Error::Usage(
            format!("{} is no text in UTF-8", path.display()),
        )),
        Ok(read) if read as u64 > MOST => Err(Error::Usage(format!(
            "{} is no configuration: it has more than {MOST} bytes",
            path.display()
        ))),
        read => read.context(doing()).map(|_| text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<File, Vec<Fault>> {
        File::parse(Path::new("x.toml"), text)
    }

    #[test]
    fn sections_beat_what_stands_before_them() {
        let text = "syn-rate = 1_00\nban-time = \"5m\"\ndry-run = true\n\
                    [interface.eth0]\nsyn-rate = 20\n[interface.\"eth0.100\"]\ndry-run = false\n";
        let file = parse(text).unwrap();
        let of = |interface, key: &str| file.section(interface)[key].clone();
        let entry = |value: &str, line| Entry {
            value: value.to_owned(),
            line,
        };
        assert_eq!(of(None, "syn-rate"), entry("100", 1));
        assert_eq!(of(Some("eth0"), "syn-rate"), entry("20", 5));
        assert_eq!(of(Some("eth0"), "ban-time"), entry("5m", 2));
        assert_eq!(of(Some("eth0.100"), "dry-run"), entry("false", 7));
        assert_eq!(of(Some("eth1"), "syn-rate"), entry("100", 1));
    }

    #[test]
    fn of_sections_the_closest_beats_the_others() {
        let text = "syn-rate = 1\nkeep = true\n[interface.\"v*\"]\nsyn-rate = 2\n\
                    [interface.\"veth*\"]\nsyn-rate = 3\n[interface.veth7]\nsyn-rate = 4\n";
        let file = parse(text).unwrap();
        for (name, rate) in [
            ("eth0", "1"),
            ("vlan0", "2"),
            ("veth8", "3"),
            ("veth7", "4"),
        ] {
            let section = file.section(Some(name));
            assert_eq!(section["syn-rate"].value, rate, "{name}");
            assert_eq!(section["keep"].value, "true", "{name}");
        }
    }

    #[test]
    fn what_to_attach_to_is_a_list_of_names() {
        let file = parse("\ninterfaces = [\"eth0\", \"veth*\", \"eth0\"]").unwrap();
        let wanted = file.wanted.unwrap();
        assert_eq!((wanted.shown().as_str(), wanted.line), ("eth0, veth*", 2));
        assert!(file.general.is_empty());
        assert_eq!(parse("").unwrap().wanted, None);
    }

    #[test]
    fn everything_that_is_wrong_is_named_with_its_line() {
        for (text, line, said) in [
            (
                "\nsyn-rat = 5",
                2,
                "unknown key `syn-rat`: did you mean `syn-rate`?",
            ),
            (
                "colour = 5",
                1,
                "unknown key `colour`: the keys are the flags",
            ),
            ("syn-rate = 0", 1, "0 is not in 1.."),
            ("syn-rate = \"many\"", 1, "invalid digit"),
            ("syn-rate = 1.5", 1, "a number with a point"),
            ("syn-rate = [1]", 1, "an array"),
            ("window = 1", 1, "time unit needed"),
            (
                "window = \"1ms\"",
                1,
                "--window 1ms is out of range: give 100ms to 1h",
            ),
            ("dry-run = \"maybe\"", 1, "possible values: true, false"),
            ("mode = \"nativ\"", 1, "'native'"),
            (
                "ban-time = \"2days\"",
                1,
                "--max-ban-time 1day is out of range",
            ),
            (
                "[interface.eth0]\nban-time = \"2days\"",
                2,
                "--max-ban-time 1day",
            ),
            (
                "[interface.eth0]\nlog-level = \"warn\"",
                2,
                "before the first section",
            ),
            (
                "[interface.eth0]\nmetrics = 9788",
                2,
                "before the first section",
            ),
            ("on-event = [1]", 1, "an array of anything but words"),
            ("on-event = []", 1, "an array of anything but words"),
            ("on-event = [\"tell\"]", 1, "begins at /"),
            ("metrics = \"on\"", 1, "on is no port"),
            ("events = \"here\"", 1, "here is no file's path"),
            (
                "[interface.eth0.100]\nkeep = true",
                1,
                "[interface.\"eth0.100\"]",
            ),
            (
                "[interfaces.eth0]\nkeep = true",
                1,
                "did you mean `interface`?",
            ),
            ("[interface.\"an interface\"]", 1, "no interface's name"),
            ("interfaces = \"eth0\"", 1, "a list of names"),
            ("interfaces = [5]", 1, "is a text"),
            ("\ninterfaces = [\n\"a/b\"]", 3, "no interface's name"),
            (
                "interfaces = [\"muchtoolonganame\"]",
                1,
                "no interface's name",
            ),
            (
                "[interface.eth0]\ninterfaces = []",
                2,
                "before the first section",
            ),
            ("[interface]\neth0 = 5", 2, "`eth0` is no section"),
            ("interface = 5", 1, "`interface` is a section"),
            ("keep = true\nkeep = false", 2, "duplicate key"),
            ("keep = true\n\nwindow =", 3, ""),
            ("max-rules = 99999999999999999999", 1, "max-rules"),
        ] {
            let faults = parse(text).unwrap_err();
            let [fault] = &faults[..] else {
                panic!("{text}: {faults:?}")
            };
            assert!(fault.text.contains(said), "{text}: {fault:?}");
            assert_eq!(fault.line, line, "{text}: {fault:?}");
        }
    }

    #[test]
    fn a_command_may_be_an_array_of_its_words() {
        let file = parse("on-event = [\"/bin/tell\", \"the night shift\"]").unwrap();
        assert_eq!(
            file.general["on-event"].value,
            "/bin/tell 'the night shift'"
        );
    }

    #[test]
    fn faults_come_all_and_in_order() {
        let text = "syn-rat = 1\nwindow = 5\n[interface.eth0]\nban_time = 7\n";
        let lines: Vec<_> = parse(text).unwrap_err().iter().map(|f| f.line).collect();
        assert_eq!(lines, [1, 2, 4]);
    }
}
