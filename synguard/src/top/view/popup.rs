//! What lies over the list: a question, or what keys do.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph};

use super::look::Look;
use super::wrap::wrap;
use crate::top::dialog::{Dialog, Verdict};

const HELP: [&str; 14] = [
    "q, Esc, Ctrl-C     quit (Esc clears a filter first)",
    "p, space           pause: nothing is read, the picture stands still",
    "up, down           select a line; PgUp, PgDn, Home and End, too",
    "s                  sort by the next column (marked *)",
    "/                  filter: an address, a prefix, a state or a class",
    "b                  block the selected source",
    "a                  allow it: nothing from it is dropped",
    "u                  end its ban, block or allow",
    "Tab, 1 to 9        another interface",
    "",
    "banned: by the controller; blocked: by you; limited: over its rate,",
    "the rest is dropped; busy: over its rate and connecting; client: it",
    "connects; counted: nothing against it yet; protected: this host",
    "needs it. SYN/S of who is dropped are the packets dropped.",
];

pub(super) fn ask(dialog: &Dialog, look: &Look, frame: &mut Frame) {
    let width = frame.area().width.saturating_sub(4).min(90);
    let inner = usize::from(width.saturating_sub(4));
    let mut lines = Vec::new();
    let mut say = |text: &str, alarm: bool| {
        let style = if alarm {
            look.alarm()
        } else {
            Default::default()
        };
        let wrapped = wrap(text, inner).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(line, style)));
    };
    say(&dialog.question(), false);
    say(&format!("as: {}", dialog.order.typed()), false);
    if let Some(warning) = dialog.warning() {
        say(&format!("Note: {warning}"), true);
    }
    match &dialog.verdict {
        Verdict::Asked => say("looking whether that would do harm ...", false),
        Verdict::Fine => {}
        Verdict::Refused(why) => say(&format!("REFUSED: {why}"), true),
    }
    say("", false);
    say(dialog.keys(), false);
    over(lines, width, "confirm", look, frame);
}

pub(super) fn help(look: &Look, frame: &mut Frame) {
    let lines = HELP.map(Line::from).to_vec();
    let width = frame.area().width.min(76);
    over(lines, width, "keys (any key goes back)", look, frame);
}

/// In the middle.
fn over(lines: Vec<Line<'_>>, width: u16, title: &str, look: &Look, frame: &mut Frame) {
    let area = frame.area();
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(u16::MAX)
        .min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let block = Block::bordered()
        .border_set(look.border())
        .title(format!(" {title} "))
        .padding(ratatui::widgets::Padding::horizontal(1));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(block), place);
}
