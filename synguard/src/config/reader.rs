//! From a table of TOML to settings, and to what is wrong with them, by line. Pure.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fault::{Fault, hint, line_of};
use super::file::{Entry, File, Section};
use super::{Given, INTERFACES, keys, resolve};
use crate::interface::Pattern;

/// The table of the interfaces' sections.
const INTERFACE: &str = "interface";
/// What is of the whole controller, and stands before the sections.
const GENERAL_ONLY: [&str; 6] = [
    INTERFACES,
    "log-level",
    "log-format",
    "events",
    "on-event",
    "metrics",
];
/// What may be an array: the words of a command, each by itself.
const COMMANDS: [&str; 1] = ["on-event"];
/// `IFNAMSIZ` less the NUL (`include/uapi/linux/if.h`), in bytes.
const LONGEST_NAME: usize = 15;

/// Collects what is wrong.
pub(super) struct Reader<'t> {
    text: &'t str,
    pub(super) faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self {
            text,
            faults: Vec::new(),
        }
    }

    /// The line of what stands at this byte, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        line_of(self.text, offset)
    }

    pub(super) fn fault(&mut self, offset: usize, text: String) {
        let line = self.line(offset);
        self.faults.push(Fault { line, text });
    }

    /// What the table says, but for its path.
    pub(super) fn file(&mut self, table: &DeTable<'_>) -> File {
        let mut file = File::default();
        for (key, value) in table {
            if key.get_ref() == INTERFACES {
                file.wanted = self.wanted(key, value);
                continue;
            }
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
        name: &Spanned<DeString<'_>>,
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
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        section: &mut Section,
    ) {
        let (at, name) = (key.span().start, key.get_ref());
        if !known(name) {
            self.fault(at, unknown(name));
            return;
        }
        let value = match words(name, value.get_ref()).unwrap_or_else(|| plain(value.get_ref())) {
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
        let line = self.line(at);
        section.insert(name.to_string(), Entry { value, line });
    }

    /// Values that can be, each by itself, may contradict each other.
    pub(super) fn check_sections(&mut self, file: &File) {
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
    names.extend([INTERFACE, INTERFACES].map(str::to_owned));
    let hint = hint(key, names.iter().map(String::as_str))
        .unwrap_or_else(|| "the keys are the flags of `synguard attach --help`".to_owned());
    format!("unknown key `{key}`: {hint}")
}

/// The words of a command as its flag takes them; nothing where it is no array, or no
/// command.
fn words(key: &str, value: &DeValue<'_>) -> Option<Result<String, &'static str>> {
    let DeValue::Array(words) = value else {
        return None;
    };
    if !COMMANDS.contains(&key) {
        return None;
    }
    let words: Option<Vec<_>> = words.iter().map(|word| word.get_ref().as_str()).collect();
    let joined = words.map(shlex::try_join);
    Some(match joined {
        Some(Ok(joined)) if !joined.is_empty() => Ok(joined),
        _ => Err("an array of anything but words"),
    })
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

/// `net/core/dev.c`: `dev_valid_name`. A glob may be longer than what it stands for.
pub(super) fn wrong_with_name(name: &str) -> Option<String> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '/' || c == ':';
    let valid = !name.is_empty()
        && (name.len() <= LONGEST_NAME || !Pattern::new(name).is_exact())
        && name != "."
        && name != ".."
        && !name.contains(bad);
    (!valid).then(|| format!("`{name}` is no interface's name"))
}
