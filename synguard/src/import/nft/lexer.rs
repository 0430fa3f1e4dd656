//! The words and signs of nftables' language.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Anything without a sign in it; a text in quotes is one word, with its quotes.
    Word(&'a [u8]),
    Open,
    Close,
    Comma,
    Equals,
    Semicolon,
    Newline,
}

/// Where a reader stands in a text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        let (at, line) = (0, 1);
        Self { text, at, line }
    }

    /// How many bytes are read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The line it is on.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The next token, left where it is.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        Some(self.clone().next()?.1)
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.text.get(self.at..) {
                Some([b' ' | b'\t' | b'\r', ..]) => self.at += 1,
                Some([b'\\', b'\n', ..]) => self.newline(2),
                Some([b'\\', b'\r', b'\n', ..]) => self.newline(3),
                Some(comment @ [b'#', ..]) => {
                    let end = comment.iter().position(|byte| *byte == b'\n');
                    self.at += end.unwrap_or(comment.len());
                }
                _ => return,
            }
        }
    }

    const fn newline(&mut self, length: usize) {
        self.at += length;
        self.line += 1;
    }

    fn word(&mut self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let length = match rest {
            // A text may go on over lines, and knows no escapes.
            [b'"', inside @ ..] => position(inside, b"\"").map(|at| at + 2),
            _ => position(rest, b" \t\r\n{},;=#\""),
        };
        let word = &rest[..length.unwrap_or(rest.len())];
        self.at += word.len();
        self.line += word
            .iter()
            .map(|byte| u64::from(*byte == b'\n'))
            .sum::<u64>();
        word
    }
}

fn position(text: &[u8], any_of: &[u8]) -> Option<usize> {
    text.iter().position(|byte| any_of.contains(byte))
}

impl<'a> Iterator for Lexer<'a> {
    type Item = (u64, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_blanks();
        let line = self.line;
        let sign = match self.text.get(self.at)? {
            b'{' => Token::Open,
            b'}' => Token::Close,
            b',' => Token::Comma,
            b'=' => Token::Equals,
            b';' => Token::Semicolon,
            b'\n' => {
                self.newline(1);
                return Some((line, Token::Newline));
            }
            _ => return Some((line, Token::Word(self.word()))),
        };
        self.at += 1;
        Some((line, sign))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_signs_are_told_apart() {
        use Token::{Close, Comma, Equals, Newline, Open, Semicolon, Word};
        let text = b"elements={ 1.2.3.4-1.2.3.9, # {\n x comment \"a\n{b\" } ;\\\r\n$x\r";
        let tokens: Vec<_> = Lexer::new(text).collect();
        assert_eq!(
            tokens,
            [
                (1, Word(b"elements".as_slice())),
                (1, Equals),
                (1, Open),
                (1, Word(b"1.2.3.4-1.2.3.9")),
                (1, Comma),
                (1, Newline),
                (2, Word(b"x")),
                (2, Word(b"comment")),
                (2, Word(b"\"a\n{b\"")),
                (3, Close),
                (3, Semicolon),
                (4, Word(b"$x")),
            ]
        );
    }

    #[test]
    fn an_open_quote_ends_with_the_text() {
        let tokens: Vec<_> = Lexer::new(b"\"a } ").collect();
        assert_eq!(tokens, [(1, Token::Word(b"\"a } ".as_slice()))]);
    }
}
