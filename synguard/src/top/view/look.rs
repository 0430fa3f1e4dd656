//! What the terminal can show.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::{bar, border};

use crate::top::rows::State;

/// What the terminal can show. All that colours say stands there in words, too.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// No more than ASCII.
    pub ascii: bool,
    /// Colours, too.
    pub colours: bool,
}

/// Eight heights in ASCII.
const ASCII_BARS: bar::Set = bar::Set {
    full: "#",
    seven_eighths: "%",
    three_quarters: "*",
    five_eighths: "+",
    half: "=",
    three_eighths: "-",
    one_quarter: ":",
    one_eighth: ".",
    empty: " ",
};

const ASCII_BORDER: border::Set = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Look {
    /// By what `variable` says of the environment: the first of LC_ALL, LC_CTYPE and LANG
    /// that is not empty names the character set (locale(7)), and NO_COLOR, if not empty,
    /// turns colours off (no-color.org).
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
        let locale = locale.unwrap_or_default().to_lowercase();
        Self {
            ascii: !(locale.contains("utf-8") || locale.contains("utf8")),
            colours: set(&"NO_COLOR").is_none(),
        }
    }

    pub(super) const fn bars(&self) -> bar::Set<'static> {
        if self.ascii {
            ASCII_BARS
        } else {
            bar::NINE_LEVELS
        }
    }

    pub(super) const fn border(&self) -> border::Set<'static> {
        if self.ascii {
            ASCII_BORDER
        } else {
            border::PLAIN
        }
    }

    fn colour(&self, colour: Color) -> Style {
        if self.colours {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    /// For what must not be overlooked.
    pub(super) fn alarm(&self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// For how a source is treated.
    pub(super) fn state(&self, state: State) -> Style {
        match state {
            State::Banned | State::Blocked => self.colour(Color::Red),
            State::Limited | State::Busy => self.colour(Color::Yellow),
            State::Client | State::Allowed | State::Protected => self.colour(Color::Green),
            State::Counted => Style::new(),
        }
    }

    /// For headings and bars of keys.
    pub(super) const fn heading(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(environment: &[(&str, &str)]) -> Look {
        Look::of(|name| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_a_locale_of_utf_8_shows_more_than_ascii() {
        for (environment, ascii) in [
            (&[][..], true),
            (&[("LANG", "C")], true),
            (&[("LANG", "C.UTF-8")], false),
            (&[("LANG", "fr_FR.utf8")], false),
            (&[("LC_ALL", "C"), ("LANG", "fr_FR.UTF-8")], true),
            (
                &[("LC_ALL", ""), ("LC_CTYPE", "en_GB.UTF-8"), ("LANG", "C")],
                false,
            ),
        ] {
            assert_eq!(look(environment).ascii, ascii, "{environment:?}");
        }
    }

    #[test]
    fn colours_can_be_turned_off() {
        assert!(look(&[]).colours && look(&[("NO_COLOR", "")]).colours);
        let plain = look(&[("NO_COLOR", "1")]);
        assert!(!plain.colours);
        for style in [
            plain.alarm(),
            plain.state(State::Banned),
            plain.state(State::Client),
            plain.heading(),
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
