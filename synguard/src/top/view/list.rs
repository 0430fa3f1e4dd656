//! The list: rules and sources, a line each.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::look::Look;
use super::wrap::cut;
use crate::top::app::App;
use crate::top::rows::{Left, Row, Sort};

/// Characters of all columns but the first and the last, with the spaces between.
const FIXED: usize = 2 + 10 + 11 + 10 + 11 + 8;
/// A source's column, at least and at most.
const SOURCE: (usize, usize) = (18, 43);
/// Less of the evidence is not worth a column.
const LEAST_WHY: usize = 20;

/// How wide the columns are that are not always as wide.
struct Widths {
    source: usize,
    why: usize,
}

impl Widths {
    fn of(app: &App, width: u16) -> Self {
        let room = usize::from(width).saturating_sub(FIXED);
        let longest = app.rows.iter().map(|row| row.source.len()).max();
        let wanted = longest.unwrap_or(0).clamp(SOURCE.0, SOURCE.1).min(room);
        match room.saturating_sub(wanted + 1) {
            why if why >= LEAST_WHY => Self {
                source: wanted,
                why,
            },
            _ => Self {
                source: room,
                why: 0,
            },
        }
    }
}

pub(super) fn draw(app: &App, look: &Look, frame: &mut Frame, area: Rect) {
    let widths = Widths::of(app, area.width);
    let mut lines = vec![Line::styled(header(app, &widths), look.heading())];
    let page = app.page.max(1);
    // The selection stays away from the edges where there are more lines.
    let first = app
        .cursor
        .saturating_sub(page / 2)
        .min(app.rows.len().saturating_sub(page));
    let shown = app.rows.iter().enumerate().skip(first).take(page);
    lines.extend(shown.map(|(place, row)| line(app, row, place == app.cursor, &widths, look)));
    if app.rows.is_empty() {
        lines.push(Line::from(if app.filter.is_empty() {
            "  nobody is banned, blocked or allowed, and no source is known"
        } else {
            "  nothing matches the filter; Esc clears it"
        }));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn header(app: &App, widths: &Widths) -> String {
    let title = |text: &str, sort: Sort| {
        let mark = if app.sort == sort { "*" } else { "" };
        format!("{text}{mark}")
    };
    let text = format!(
        "  {:<source$} {:<9} {:<10} {:>9} {:>10} {:>7}  {}",
        title("SOURCE", Sort::Source),
        title("STATE", Sort::State),
        "CLASS",
        title("SYN/S", Sort::Rate),
        title("HANDSHAKE", Sort::Handshakes),
        title("LEFT", Sort::Left),
        if widths.why > 0 { "EVIDENCE" } else { "" },
        source = widths.source,
    );
    let wide = widths.source + FIXED + widths.why;
    format!("{text:<wide$}")
}

fn line<'r>(app: &App, row: &'r Row, selected: bool, widths: &Widths, look: &Look) -> Line<'r> {
    let class = row.class.map_or("-", |class| class.label());
    let left = left(app.face().left(row, app.now));
    let source = cut(&row.source, widths.source);
    let start = format!(
        "{} {source:<1$} ",
        if selected { ">" } else { " " },
        widths.source
    );
    let end = format!(
        " {class:<10} {:>9} {:>10} {left:>7}  {}",
        row.rate,
        row.handshakes,
        cut(&row.why, widths.why),
    );
    let state = format!("{:<9}", row.state.label());
    let line = Line::from(vec![
        Span::raw(start),
        Span::styled(state, look.state(row.state)),
        Span::raw(end),
    ]);
    if selected {
        line.patch_style(Modifier::BOLD)
    } else {
        line
    }
}

/// The two largest units.
fn left(left: Left) -> String {
    let seconds = match left {
        Left::Nothing => return "-".to_owned(),
        Left::Forever => return "forever".to_owned(),
        Left::Seconds(seconds) => seconds,
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if days > 0 {
        format!("{days}d {}h", hours % 24)
    } else if hours > 0 {
        format!("{hours}h {}m", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes}m {}s", seconds % 60)
    } else {
        format!("{seconds}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_has_its_units() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (600, "10m 0s"),
            (86_399, "23h 59m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(left(Left::Seconds(seconds)), expected);
        }
        assert_eq!(left(Left::Forever), "forever");
        assert_eq!(left(Left::Nothing), "-");
    }
}
