//! Words in lines.

/// Breaks a text at its spaces into lines of at most `width` characters, all but the first
/// indented by two; a longer word is cut where the line ends.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    const INDENT: &str = "  ";
    let width = width.max(INDENT.len() + 1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let first = lines.len() == 1;
            let Some(line) = lines.last_mut() else {
                return lines;
            };
            let used = line.chars().count();
            let blank = used == 0 || (!first && used == INDENT.len());
            let gap = usize::from(!blank);
            if used + gap + word.len() <= width {
                line.push_str(&" ".repeat(gap));
                line.extend(word);
                break;
            }
            if blank {
                line.extend(word.drain(..width - used));
            }
            lines.push(INDENT.to_owned());
        }
    }
    lines
}

/// The text, or as much as fits and a mark that it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(2)).collect();
    format!("{kept}..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_are_indented() {
        assert_eq!(wrap("one two three", 7), ["one two", "  three"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(
            wrap("a bcdefghijk l", 5),
            ["a", "  bcd", "  efg", "  hij", "  k l"]
        );
        assert_eq!(wrap("anything", 0).concat().replace(' ', ""), "anything");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("2001:db8::1", 11), "2001:db8::1");
        assert_eq!(cut("2001:db8::1", 8), "2001:d..");
    }
}
