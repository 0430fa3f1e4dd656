//! Rust source with all blanked out that is no code: comments and texts.
//!
//! A rule about names must not fire on a sentence about that name.

/// The source, line for line, without comments and without what stands in
/// quotation marks.
pub fn code_view(source: &str) -> String {
    let mut view = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = not_code(rest);
        let taken = if length == 0 {
            first.len_utf8()
        } else {
            length
        };
        let (head, tail) = rest.split_at(taken);
        if length == 0 {
            view.push_str(head);
        } else {
            // Lines must keep their numbers.
            view.extend(head.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        // A letter that ends a name begins no literal: `hdr"` is no `r"`.
        rest = tail;
        if is_name(first) && length == 0 {
            let name = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            view.push_str(&rest[..name]);
            rest = &rest[name..];
        }
    }
    view
}

/// How many bytes from here on are a comment or a literal.
fn not_code(source: &str) -> usize {
    if source.starts_with("//") {
        return source.find('\n').unwrap_or(source.len());
    }
    if source.starts_with("/*") {
        return block_comment(source);
    }
    let prefix = source.find(|c| !matches!(c, 'b' | 'c' | 'r')).unwrap_or(0);
    let (letters, literal) = source.split_at(prefix);
    if letters.len() > 2 {
        return 0;
    }
    let length = match literal.chars().next() {
        Some('"' | '#') if letters.contains('r') => raw_string(literal),
        Some('"') => quoted(literal, '"'),
        Some('\'') => character(literal),
        _ => None,
    };
    length.map_or(0, |length| prefix + length)
}

/// Block comments nest.
fn block_comment(source: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < source.len() {
        let rest = &source.as_bytes()[at..];
        match rest {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn raw_string(literal: &str) -> Option<usize> {
    let hashes = literal.find(|c| c != '#')?;
    let body = literal[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", &literal[..hashes]);
    Some(hashes + 1 + body.find(&end)? + end.len())
}

fn quoted(literal: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in literal.char_indices().skip(1) {
        if c == mark && !escaped {
            return Some(at + 1);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// `'a'` and `'\n'` are characters; `'a` is a lifetime, thus code.
fn character(literal: &str) -> Option<usize> {
    let mut characters = literal.chars().skip(1);
    let is_escape = characters.next()? == '\\';
    (is_escape || characters.next()? == '\'').then(|| quoted(literal, '\''))?
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        code_view(source)
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn what_is_code_and_what_is_not() {
        for (source, code) in [
            ("a // b\nc", "a c"),
            ("a /* b /* c */ d */ e", "a e"),
            ("/// doc\nfn f() {}", "fn f() {}"),
            (r#"f("b \" c", d)"#, "f( , d)"),
            (r###"f(r#"b " c"#, d)"###, "f( , d)"),
            (r#"f(br"\", b"c", c"d")"#, "f( , , )"),
            ("f('\"', 'b', '\\'', d)", "f( , , , d)"),
            ("fn f<'a>(b: &'a str) {}", "fn f<'a>(b: &'a str) {}"),
            ("concat!(hdr, \"x\")", "concat!(hdr, )"),
            ("r#type::new()", "r#type::new()"),
        ] {
            let expected: Vec<_> = code.split_whitespace().collect();
            assert_eq!(words(source), expected, "{source}");
        }
    }

    #[test]
    fn lines_keep_their_numbers() {
        let source = "a\n/* b\nc */ \"d\ne\"\nf";
        assert_eq!(code_view(source).lines().count(), source.lines().count());
    }
}
