//! What `nft list` prints and `nft -f` reads: sets and their elements.
//!
//! Tables, chains, rules and maps around the sets are passed over.

mod element;
mod elements;
mod lexer;
mod set;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::BTreeMap;
use std::time::Duration;

use lexer::{Lexer, Token};
use set::Set;
use variables::Variables;

use super::hint::shown;
use super::lines::Progress;
use super::list::List;

/// What a statement outside of sets begins with. Anything else was written for
/// another format, and would be lost if it were passed over.
const STATEMENTS: [&[u8]; 24] = [
    b"add",
    b"chain",
    b"comment",
    b"counter",
    b"create",
    b"ct",
    b"define",
    b"delete",
    b"destroy",
    b"flags",
    b"flowtable",
    b"flush",
    b"include",
    b"insert",
    b"limit",
    b"map",
    b"quota",
    b"redefine",
    b"rename",
    b"replace",
    b"reset",
    b"secmark",
    b"synproxy",
    b"undefine",
];

const UNCLOSED: &str = "this { is never closed: is the file cut off?";

pub(super) fn read(text: &[u8], list: &mut List, progress: &mut Progress<'_>) {
    let mut reader = Reader {
        lexer: Lexer::new(text),
        list,
        progress,
        head: Vec::new(),
        open: Vec::new(),
        set: None,
        timeouts: BTreeMap::new(),
        variables: Variables::default(),
    };
    reader.statements();
    reader.wanted_variables();
}

struct Reader<'a, 'r, 'p> {
    lexer: Lexer<'a>,
    list: &'r mut List,
    progress: &'r mut Progress<'p>,
    /// The words of the statement so far.
    head: Vec<&'a [u8]>,
    /// The lines of the braces of tables and sets that are still open.
    open: Vec<u64>,
    /// The set whose body this is.
    set: Option<Set<'a>>,
    /// For how long elements stay in the sets that were declared.
    timeouts: BTreeMap<&'a [u8], Option<Duration>>,
    variables: Variables<'a>,
}

impl<'a> Reader<'a, '_, '_> {
    fn statements(&mut self) {
        while let Some((line, token)) = self.lexer.next() {
            match token {
                Token::Word(word) => self.head.push(word),
                Token::Comma => (),
                Token::Equals => self.assignment(line),
                Token::Open => self.block(line),
                Token::Newline | Token::Semicolon => self.end_statement(line),
                Token::Close => {
                    self.end_statement(line);
                    self.close(line);
                }
            }
        }
        self.end_statement(self.lexer.line());
        for line in self.open.drain(..) {
            self.list.refuse(line, UNCLOSED);
        }
    }

    /// What a `{` opens, given the words before it.
    fn block(&mut self, line: u64) {
        let command = match self.head.as_slice() {
            [b"add" | b"create", command @ ..] => command,
            command => command,
        };
        match command {
            _ if self.set.is_some() => {
                self.list.refuse(line, "write `elements = {` here");
                self.skip_block(line);
            }
            [b"define" | b"redefine", ..] => return self.skip_block(line),
            [b"table", ..] => self.enter(line, None),
            [b"set", .., name] => {
                let set = Set::new(name);
                self.enter(line, Some(set));
            }
            [b"element", .., name] => {
                let lasting = self.timeouts.get(name).copied().flatten();
                self.elements(line, lasting);
                self.head.clear();
            }
            [b"delete" | b"destroy", b"element", ..] => {
                let what = "this takes elements away again: import the set as it is now";
                self.list.refuse(line, what);
                self.skip_block(line);
            }
            // The words stay: a rule may go on, and open another block.
            _ => self.skip_block(line),
        }
        self.variables.are_all = false;
    }

    fn enter(&mut self, line: u64, set: Option<Set<'a>>) {
        self.open.push(line);
        self.set = set;
        self.head.clear();
    }

    fn close(&mut self, line: u64) {
        if self.open.pop().is_none() {
            self.list.refuse(line, "this } closes nothing");
        }
        if let Some(set) = self.set.take() {
            self.timeouts.insert(set.name, set.timeout);
        }
    }

    fn assignment(&mut self, line: u64) {
        match self.head.as_slice() {
            [b"elements"] => {
                self.head.clear();
                self.set_elements(line);
            }
            [b"define" | b"redefine", name] => {
                if let Err(what) = self.variables.define(name, &self.lexer) {
                    self.list.refuse(line, what);
                }
            }
            _ => (),
        }
    }

    fn end_statement(&mut self, line: u64) {
        if let Some(set) = &mut self.set {
            if let Err(what) = set.describe(&self.head) {
                self.list.refuse(line, what);
            }
        } else {
            self.end_command(line);
        }
        self.head.clear();
    }

    fn end_command(&mut self, line: u64) {
        match self.head.as_slice() {
            [b"add" | b"create", b"element", .., set, last] => {
                let lasting = self.timeouts.get(set).copied().flatten();
                match last.strip_prefix(b"$") {
                    Some(name) => self.variables.want(name, line, lasting),
                    None => self.list.refuse(line, "elements in { } are missing here"),
                }
            }
            [first, ..] if !STATEMENTS.contains(first) => {
                let what = format!("{} is no statement of nftables", shown(first));
                self.list.refuse(line, what);
            }
            _ => (),
        }
    }

    fn skip_block(&mut self, opened: u64) {
        let mut depth = 1;
        for (_, token) in self.lexer.by_ref() {
            match token {
                Token::Open => depth += 1,
                Token::Close => depth -= 1,
                _ => (),
            }
            if depth == 0 {
                return;
            }
        }
        self.list.refuse(opened, UNCLOSED);
    }
}
