//! The picture: what the view knows, drawn on a frame of any size.
//!
//! From top to bottom: a line of flags, what is going on in words, four rates over the
//! last minutes, the list, the evidence about the selected line, the last outcome, keys.

mod bottom;
mod charts;
mod list;
mod look;
mod popup;
mod top;
mod wrap;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Paragraph, Wrap};

use super::app::{App, Mode};
use crate::text::is_obeyed;

pub use look::Look;

/// Less than this shows nothing that helps.
pub const LEAST: (u16, u16) = (60, 16);
/// The list has so many lines at least, its header included.
const LEAST_LIST: u16 = 4;

/// Draws everything, and notes how many lines the list has room for.
pub fn draw(app: &mut App, look: &Look, frame: &mut Frame) {
    let area = frame.area();
    frame.render_widget(Clear, area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(frame);
    } else {
        everything(app, look, frame);
    }
    make_harmless(frame.buffer_mut(), look);
}

fn everything(app: &mut App, look: &Look, frame: &mut Frame) {
    let area = frame.area();
    let mut rest = Rows(area);
    top::flags(app, look, frame, rest.take(1));
    let bottom = Rows(area).bottom(bottom::HEIGHT);
    let fixed = 1 + charts::HEIGHT + bottom::HEIGHT + LEAST_LIST;
    let words = top::words(app, area.width, area.height.saturating_sub(fixed));
    let height = u16::try_from(words.len()).unwrap_or(u16::MAX);
    top::write(&words, app, look, frame, rest.take(height));
    charts::draw(app, look, frame, rest.take(charts::HEIGHT));
    let list = rest.take(rest.0.height.saturating_sub(bottom::HEIGHT));
    app.page = usize::from(list.height.saturating_sub(1));
    list::draw(app, look, frame, list);
    bottom::draw(app, look, frame, bottom);
    match &app.mode {
        Mode::Confirm(dialog) => popup::ask(dialog, look, frame),
        Mode::Help => popup::help(look, frame),
        Mode::List | Mode::Filter(_) => {}
    }
}

fn too_small(frame: &mut Frame) {
    let area = frame.area();
    let text = format!(
        "This terminal has {} columns and {} lines. synguard top needs {} and {}, and likes 80 and \
         24. Make it larger, or press q: `synguard status` tells the same.",
        area.width, area.height, LEAST.0, LEAST.1
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
}

/// What came from outside may hold characters that a terminal obeys or cannot show.
fn make_harmless(buffer: &mut Buffer, look: &Look) {
    for cell in &mut buffer.content {
        let bad = |letter: char| is_obeyed(letter) || (look.ascii && !letter.is_ascii());
        if cell.symbol().contains(bad) {
            cell.set_symbol("?");
        }
    }
}

/// The lines that are left.
struct Rows(Rect);

impl Rows {
    /// The first `height` of them.
    fn take(&mut self, height: u16) -> Rect {
        let height = height.min(self.0.height);
        let taken = Rect { height, ..self.0 };
        self.0.y += height;
        self.0.height -= height;
        taken
    }

    /// The last `height` of them.
    fn bottom(&self, height: u16) -> Rect {
        let height = height.min(self.0.height);
        let y = self.0.bottom() - height;
        Rect {
            y,
            height,
            ..self.0
        }
    }
}
