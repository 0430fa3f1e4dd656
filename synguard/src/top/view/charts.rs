//! Rates over the last minutes, a line each.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Paragraph, Sparkline};

use super::look::Look;
use crate::status::Rates;
use crate::top::app::App;

/// A rate with its name.
type Chart = (&'static str, fn(&Rates) -> u64);

const CHARTS: [Chart; 4] = [
    ("SYNs", |rates| rates.syns_per_second),
    ("dropped", |rates| rates.dropped_per_second),
    ("SYNs passed", |rates| rates.syns_passed_per_second),
    ("handshakes", |rates| rates.handshakes_per_second),
];

pub(super) const HEIGHT: u16 = CHARTS.len() as u16;
/// Of name, present figure and greatest figure.
const LABEL: u16 = 42;

pub(super) fn draw(app: &App, look: &Look, frame: &mut Frame, area: Rect) {
    let history = &app.face().history;
    let columns = usize::from(area.width.saturating_sub(LABEL));
    let lines = (area.y..area.bottom()).zip(CHARTS);
    for (y, (name, pick)) in lines {
        let data = history.columns(columns, app.now, pick);
        let most = data.iter().flatten().max().copied().unwrap_or(0);
        let label = format!(
            "{name:<11} {:>10}/s  most {:>9}/s ",
            pick(&history.latest()),
            most
        );
        let line = Rect {
            y,
            height: 1,
            ..area
        };
        frame.render_widget(Paragraph::new(label), line);
        let bars = Sparkline::default()
            .data(data)
            .max(most.max(1))
            .absent_value_symbol(" ")
            .bar_set(look.bars());
        let x = line.x + LABEL.min(line.width);
        let width = line.width.saturating_sub(LABEL);
        frame.render_widget(bars, Rect { x, width, ..line });
    }
}
