//! The evidence about the selected line, the last outcome, and the keys.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::look::Look;
use super::wrap::{cut, wrap};
use crate::text;
use crate::top::app::{App, Mode};

/// Lines of evidence.
const EVIDENCE: usize = 3;
pub(super) const HEIGHT: u16 = EVIDENCE as u16 + 2;
const KEYS: &str =
    "q quit  p pause  s sort  / filter  b block  a allow  u unblock  Tab next  ? help";

pub(super) fn draw(app: &App, look: &Look, frame: &mut Frame, area: Rect) {
    let width = usize::from(area.width);
    let mut lines = evidence(app, width);
    lines.resize(EVIDENCE, Line::default());
    lines.push(outcome(app, look, width));
    lines.push(Line::styled(
        format!("{:<width$}", cut(KEYS, width)),
        look.heading(),
    ));
    frame.render_widget(Paragraph::new(lines), area);
}

fn evidence(app: &App, width: usize) -> Vec<Line<'static>> {
    let Some(row) = app.row() else {
        return Vec::new();
    };
    let mut lines = wrap(&format!("{}: {}", row.source, row.why), width);
    if lines.len() > EVIDENCE {
        lines.truncate(EVIDENCE);
        if let Some(last) = lines.last_mut() {
            let kept: String = last.chars().take(width.saturating_sub(2)).collect();
            *last = format!("{kept}..");
        }
    }
    lines.into_iter().map(Line::from).collect()
}

/// What is being written, what was done, or how much is shown.
fn outcome(app: &App, look: &Look, width: usize) -> Line<'static> {
    if let Mode::Filter(_) = app.mode {
        return Line::from(format!(
            "filter: {}_  (Enter keeps it, Esc drops it)",
            app.filter
        ));
    }
    if let Some(notice) = &app.notice {
        let style = if notice.bad {
            look.alarm()
        } else {
            Style::new()
        };
        let mark = if notice.bad { "! " } else { "" };
        return Line::styled(cut(&format!("{mark}{}", notice.text), width), style);
    }
    let face = app.face();
    let filter = if app.filter.is_empty() {
        String::new()
    } else {
        format!(", filtered by {}", app.filter)
    };
    let tracked = text::count(face.tracked as u64, "source is known", "sources are known");
    let shown = text::count(app.rows.len() as u64, "line", "lines");
    Line::from(cut(
        &format!("{shown}{filter}; {tracked}, the busiest are shown"),
        width,
    ))
}
