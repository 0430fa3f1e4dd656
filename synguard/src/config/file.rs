//! A configuration file, read: pure but for [`File::read`].

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, error, hint, line_of};
use super::{Given, keys, resolve};
use crate::error::Context as _;
use crate::{Error, Result};

/// No configuration is larger, in bytes.
const MOST: u64 = 1 << 20;
/// The table of the interfaces' sections.
const INTERFACE: &str = "interface";
/// What is of the whole controller, and stands before the sections.
const GENERAL_ONLY: [&str; 1] = ["log-level"];
/// `IFNAMSIZ` less the NUL (`include/uapi/linux/if.h`), in bytes.
const LONGEST_NAME: usize = 15;

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
    /// What holds for all interfaces.
    pub general: Section,
    /// What holds for one, by its name.
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
        let mut reader = Reader {
            text,
            faults: Vec::new(),
        };
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

    /// What it says about an interface, or in general.
    pub fn section(&self, interface: Option<&str>) -> Section {
        let own = interface.and_then(|name| self.interfaces.get(name));
        let mut section = self.general.clone();
        section.extend(own.cloned().unwrap_or_default());
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

/// Collects what is wrong.
struct Reader<'t> {
    text: &'t str,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn fault(&mut self, offset: usize, text: String) {
        let line = line_of(self.text, offset);
        self.faults.push(Fault { line, text });
    }

    fn file(&mut self, table: &DeTable<'_>) -> File {
        let mut file = File::default();
        for (key, value) in table {
            if key.get_ref() != INTERFACE {
                self.entry(key, value, &mut file.general);
                continue;
            }
            let Some(sections) = value.get_ref().as_table() else {
                let text = "`interface` is a section: [interface.eth0]".to_owned();
                self.fault(key.span().start, text);
                continue;
            };
            for (name, section) in sections {
                if let Some(section) = self.section(name, section) {
                    file.interfaces.insert(name.get_ref().to_string(), section);
                }
            }
        }
        file
    }

    fn section(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        section: &Spanned<DeValue<'_>>,
    ) -> Option<Section> {
        let at = name.span().start;
        let Some(table) = section.get_ref().as_table() else {
            let name = name.get_ref();
            self.fault(at, format!("`{name}` is no section: [interface.eth0]"));
            return None;
        };
        if let Some(wrong) = wrong_with_name(name.get_ref()) {
            self.fault(at, wrong);
            return None;
        }
        let mut entries = Section::new();
        for (key, value) in table {
            if GENERAL_ONLY.contains(&&**key.get_ref()) {
                let text = format!(
                    "`{}` is of the whole controller: put it before the first section",
                    key.get_ref()
                );
                self.fault(key.span().start, text);
            } else if value.get_ref().is_table() && !known(key.get_ref()) {
                let (name, rest) = (name.get_ref(), key.get_ref());
                let text = format!(
                    "a section in a section: for an interface {name}.{rest} write \
                     [interface.\"{name}.{rest}\"]"
                );
                self.fault(key.span().start, text);
            } else {
                self.entry(key, value, &mut entries);
            }
        }
        Some(entries)
    }

    fn entry(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        section: &mut Section,
    ) {
        let (at, name) = (key.span().start, key.get_ref());
        if !known(name) {
            self.fault(at, unknown(name));
            return;
        }
        let value = match plain(value.get_ref()) {
            Ok(value) => value,
            Err(what) => {
                let text = format!("`{name}` takes one value, as its flag does, and not {what}");
                self.fault(at, text);
                return;
            }
        };
        if let Err(text) = keys::parse([format!("--{name}={value}")]) {
            self.fault(at, text);
            return;
        }
        let line = line_of(self.text, at);
        section.insert(name.to_string(), Entry { value, line });
    }

    /// Values that can be, each by itself, may contradict each other.
    fn check_sections(&mut self, file: &File) {
        if !self.faults.is_empty() {
            return;
        }
        let names = file.interfaces.keys().map(|name| Some(name.as_str()));
        for interface in [None].into_iter().chain(names) {
            let Err(objection) = resolve::objection(Some(file), &Given::default(), interface)
            else {
                continue;
            };
            let section = file.section(interface);
            let mut said = objection.keys.iter().filter_map(|key| section.get(*key));
            let line = said.next().map_or(1, |entry| entry.line);
            let text = objection.text;
            let fault = Fault { line, text };
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
        }
    }
}

fn known(key: &str) -> bool {
    keys::keys().iter().any(|known| known == key)
}

fn unknown(key: &str) -> String {
    let mut names = keys::keys();
    names.push(INTERFACE.to_owned());
    let hint = hint(key, names.iter().map(String::as_str))
        .unwrap_or_else(|| "the keys are the flags of `synguard attach --help`".to_owned());
    format!("unknown key `{key}`: {hint}")
}

/// The value as a flag takes it, or what it is instead.
fn plain(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Ok(number.to_string()),
            Err(_) => Ok(number.as_str().to_owned()),
        },
        DeValue::Boolean(value) => Ok(value.to_string()),
        DeValue::Float(_) => Err("a number with a point"),
        DeValue::Datetime(_) => Err("a date"),
        DeValue::Array(_) => Err("an array"),
        DeValue::Table(_) => Err("a section"),
    }
}

/// `net/core/dev.c`: `dev_valid_name`.
fn wrong_with_name(name: &str) -> Option<String> {
    let bad = |c: char| c.is_whitespace() || c == '/' || c == ':';
    let valid = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name != "."
        && name != ".."
        && !name.contains(bad);
    (!valid).then(|| format!("`{name}` is no interface's name"))
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
    fn faults_come_all_and_in_order() {
        let text = "syn-rat = 1\nwindow = 5\n[interface.eth0]\nban_time = 7\n";
        let lines: Vec<_> = parse(text).unwrap_err().iter().map(|f| f.line).collect();
        assert_eq!(lines, [1, 2, 4]);
    }
}
