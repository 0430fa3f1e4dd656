//! Names for lists of elements: `define BAD = { 192.0.2.1 }`, then `$BAD`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::hint::shown;
use super::Reader;
use super::lexer::Lexer;

pub(super) struct Variables<'a> {
    /// Where the value of each begins, until it is read. Each is read once,
    /// however often it is named: values that name each other could not end.
    known: BTreeMap<&'a [u8], Option<Lexer<'a>>>,
    wanted: Vec<Wanted<'a>>,
    /// Whether the file has nothing but definitions: then they are the list.
    pub(super) are_all: bool,
}

#[derive(Clone, Copy)]
struct Wanted<'a> {
    name: &'a [u8],
    line: u64,
    lasting: Option<Duration>,
}

impl Default for Variables<'_> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            wanted: Vec::new(),
            are_all: true,
        }
    }
}

impl<'a> Variables<'a> {
    pub(super) fn define(&mut self, name: &'a [u8], value: &Lexer<'a>) -> Result<(), String> {
        match self.known.insert(name, Some(value.clone())) {
            None => Ok(()),
            Some(_) => {
                let name = shown(name);
                Err(format!(
                    "{name} is defined twice: leave out the one that is not meant"
                ))
            }
        }
    }

    pub(super) fn want(&mut self, name: &'a [u8], line: u64, lasting: Option<Duration>) {
        self.wanted.push(Wanted {
            name,
            line,
            lasting,
        });
    }

    /// Definitions without sets around them are wanted all.
    fn want_all(&mut self) {
        for (name, value) in &self.known {
            let line = value.as_ref().map_or(1, Lexer::line);
            self.wanted.push(Wanted {
                name,
                line,
                lasting: None,
            });
        }
    }
}

impl Reader<'_, '_, '_> {
    /// Reads the definitions that sets name.
    pub(super) fn wanted_variables(&mut self) {
        if self.variables.are_all {
            self.variables.want_all();
        }
        // Read once, a definition must last as long as the set that lasts longest.
        let end = |wanted: &Wanted<'_>| wanted.lasting.unwrap_or(Duration::MAX);
        self.variables.wanted.sort_by_key(end);
        while let Some(wanted) = self.variables.wanted.pop() {
            match self.variables.known.get_mut(wanted.name).map(Option::take) {
                Some(Some(value)) => {
                    self.lexer = value;
                    self.value(wanted.line, wanted.lasting);
                }
                Some(None) => (),
                None => self.list.refuse(
                    wanted.line,
                    format!("${} is not defined in this file", shown(wanted.name)),
                ),
            }
        }
    }
}
