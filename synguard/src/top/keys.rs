//! What keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::app::{App, Effect, Mode, Notice};
use super::dialog::{Dialog, Verdict};
use super::order::{Order, Verb};
use super::rows::{Row, State};

/// The longest prefix there is in words.
const LONGEST_FILTER: usize = 43;

impl App {
    pub(super) fn press(&mut self, key: KeyEvent) -> Option<Effect> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return match key.code {
                KeyCode::Char('c') => Some(Effect::Quit),
                KeyCode::Char('z') => Some(Effect::Suspend),
                _ => None,
            };
        }
        match &self.mode {
            Mode::List => self.press_in_list(key.code),
            Mode::Filter(_) => self.press_in_filter(key.code),
            Mode::Confirm(_) => self.answer(key.code),
            Mode::Help => {
                self.mode = Mode::List;
                None
            }
        }
    }

    fn press_in_list(&mut self, key: KeyCode) -> Option<Effect> {
        match key {
            KeyCode::Esc if !self.filter.is_empty() => {
                self.filter.clear();
                self.arrange();
            }
            KeyCode::Esc | KeyCode::Char('q') => return Some(Effect::Quit),
            KeyCode::Char('p' | ' ') => {
                self.paused = !self.paused;
                return (!self.paused).then_some(Effect::Reread);
            }
            KeyCode::Char('s') => {
                self.sort = self.sort.next();
                self.arrange();
            }
            KeyCode::Char('/') => self.mode = Mode::Filter(self.filter.clone()),
            KeyCode::Char('?') => self.mode = Mode::Help,
            KeyCode::Char('b') => return self.ask(Verb::Block),
            KeyCode::Char('a') => return self.ask(Verb::Allow),
            KeyCode::Char('u') => return self.ask_to_end(),
            KeyCode::Tab => return self.show((self.shown + 1) % self.faces.len()),
            KeyCode::BackTab => {
                return self.show((self.shown + self.faces.len() - 1) % self.faces.len());
            }
            KeyCode::Char(digit @ '1'..='9') => {
                return self.show(digit as usize - '1' as usize);
            }
            key => self.walk(key),
        }
        None
    }

    fn walk(&mut self, key: KeyCode) {
        let page = self.page.max(1);
        match key {
            KeyCode::Up => self.select(self.cursor.saturating_sub(1)),
            KeyCode::Down => self.select(self.cursor + 1),
            KeyCode::PageUp => self.select(self.cursor.saturating_sub(page)),
            KeyCode::PageDown => self.select(self.cursor + page),
            KeyCode::Home => self.select(0),
            KeyCode::End => self.select(usize::MAX),
            _ => {}
        }
    }

    fn press_in_filter(&mut self, key: KeyCode) -> Option<Effect> {
        match key {
            KeyCode::Enter => self.mode = Mode::List,
            KeyCode::Esc => {
                if let Mode::Filter(before) = std::mem::replace(&mut self.mode, Mode::List) {
                    self.filter = before;
                }
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(letter)
                if letter.is_ascii_graphic() && self.filter.len() < LONGEST_FILTER =>
            {
                self.filter.push(letter);
            }
            key => self.walk(key),
        }
        self.arrange();
        None
    }

    fn answer(&mut self, key: KeyCode) -> Option<Effect> {
        let Mode::Confirm(dialog) = &mut self.mode else {
            return None;
        };
        match key {
            KeyCode::Char('y' | 'Y') if dialog.verdict == Verdict::Fine => {
                let order = dialog.order.clone();
                self.mode = Mode::List;
                self.tell(format!("{} ...", order.typed()), false);
                return Some(Effect::Carry(order));
            }
            KeyCode::Char('d') if dialog.order.verb.lasts() => dialog.order.longer(),
            KeyCode::Char('s') if dialog.order.verb == Verb::Block => dialog.order.rescope(),
            KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => {
                self.mode = Mode::List;
                self.tell("nothing was changed".to_owned(), false);
                return None;
            }
            _ => return None,
        }
        dialog.verdict = Verdict::Asked;
        Some(Effect::Check(dialog.order.clone()))
    }

    fn ask_to_end(&mut self) -> Option<Effect> {
        let Some(row) = self.row() else {
            self.tell("no line is selected".to_owned(), true);
            return None;
        };
        if row.rule.is_none() {
            let text = format!("{} has no rule of its own to end", row.source);
            self.tell(text, true);
            return None;
        }
        self.ask(match row.state {
            State::Allowed | State::Protected => Verb::Disallow,
            _ => Verb::Unblock,
        })
    }

    fn ask(&mut self, verb: Verb) -> Option<Effect> {
        let refusal = match (&self.read_only, self.row()) {
            (Some(why), _) => format!("read-only: {why}"),
            (None, None) => "no line is selected".to_owned(),
            (None, Some(row)) => return self.open(verb, &row.clone()),
        };
        self.tell(refusal, true);
        None
    }

    fn open(&mut self, verb: Verb, row: &Row) -> Option<Effect> {
        let mut order = Order::new(verb, row.net, self.face().name.clone());
        if !verb.lasts() {
            order.ends = row.rule;
        }
        self.mode = Mode::Confirm(Dialog::new(order.clone(), row));
        Some(Effect::Check(order))
    }

    fn tell(&mut self, text: String, bad: bool) {
        self.notice = Some(Notice { text, bad });
    }
}
