//! Lists of elements.

use std::time::Duration;

use super::element::Element;
use super::lexer::Token;
use super::{Reader, UNCLOSED};

impl<'a> Reader<'a, '_, '_> {
    /// What follows `elements =` in a set, or in a file that is only that.
    pub(super) fn set_elements(&mut self, line: u64) {
        self.variables.are_all = false;
        match self.set.as_mut().map_or(Ok(None), |set| set.list()) {
            Ok(lasting) => self.value(line, lasting),
            Err(why) => {
                self.list.refuse(line, why);
                if self.lexer.peek() == Some(Token::Open) {
                    self.lexer.next();
                    self.skip_block(line);
                }
            }
        }
    }

    /// What follows a `=`: elements in braces, or a single one without.
    pub(super) fn value(&mut self, line: u64, lasting: Option<Duration>) {
        while self.lexer.peek() == Some(Token::Newline) {
            self.lexer.next();
        }
        if self.lexer.peek() == Some(Token::Open) {
            self.lexer.next();
            self.elements(line, lasting);
        } else {
            self.single(lasting);
        }
    }

    fn single(&mut self, lasting: Option<Duration>) {
        let mut element = Element::default();
        while let Some(token) = self.lexer.peek() {
            let line = self.lexer.line();
            match token {
                Token::Newline | Token::Semicolon | Token::Close => break,
                Token::Word(word) => element.push(line, word),
                Token::Comma | Token::Equals | Token::Open => {
                    self.list
                        .refuse(line, "several elements need { } around them");
                }
            }
            self.lexer.next();
        }
        self.add(&mut element, lasting);
    }

    /// Elements up to the `}`, once the `{` is read.
    pub(super) fn elements(&mut self, opened: u64, lasting: Option<Duration>) {
        let mut element = Element::default();
        while let Some((line, token)) = self.lexer.next() {
            self.progress.at(self.lexer.at());
            match token {
                Token::Word(word) => element.push(line, word),
                Token::Comma => self.add(&mut element, lasting),
                Token::Close => return self.add(&mut element, lasting),
                Token::Newline => (),
                Token::Open | Token::Equals | Token::Semicolon => {
                    let what = "only elements and commas can stand between { and }";
                    self.list.refuse(line, what);
                }
            }
        }
        self.list.refuse(opened, UNCLOSED);
    }

    fn add(&mut self, element: &mut Element<'a>, set: Option<Duration>) {
        let line = element.line();
        if let Some(name) = element.variable() {
            self.variables.want(name, line, set);
        } else if !element.is_empty() {
            match element.lasting(set) {
                Ok(lasting) => self.list.add(&element.value(), lasting, line),
                Err(what) => self.list.refuse(line, what),
            }
        }
        element.clear();
    }
}
