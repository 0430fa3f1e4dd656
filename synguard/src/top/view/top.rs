//! The line of flags, and what is going on in words.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::look::Look;
use super::wrap::{cut, wrap};
use crate::status::Report;
use crate::text;
use crate::top::app::App;

/// One line that can be read from across the room.
pub(super) fn flags(app: &App, look: &Look, frame: &mut Frame, area: Rect) {
    let face = app.face();
    let mut flags = vec![format!("synguard top {}", face.name)];
    if app.faces.len() > 1 {
        flags.push(format!("{}/{}", app.shown + 1, app.faces.len()));
    }
    if app.paused {
        flags.push("PAUSED".to_owned());
    }
    if app.read_only.is_some() {
        flags.push("read-only".to_owned());
    }
    match &face.report {
        Some(report) => flags.extend(of_report(report)),
        None if face.fault.is_some() => flags.push("NOT READ".to_owned()),
        None => {}
    }
    let width = usize::from(area.width);
    let date = text::date(app.date);
    // The day is known.
    let date = date.split_once('T').map_or(date.as_str(), |(_, time)| time);
    let left = flags.join(" | ");
    let left = cut(&left, width.saturating_sub(date.len() + 1));
    let line = format!("{left:<0$}{date}", width.saturating_sub(date.len()));
    frame.render_widget(Paragraph::new(line).style(look.heading()), area);
}

fn of_report(report: &Report) -> [String; 3] {
    let does = match report {
        Report {
            in_place: Some(false),
            ..
        } => "NOT FILTERING",
        Report {
            unconfirmed: true, ..
        } => "NOT FILTERING",
        Report { panic: true, .. } => "PANIC",
        Report { dry_run: true, .. } => "DRY RUN",
        Report {
            confirm_by: Some(_),
            ..
        } => "TO BE CONFIRMED",
        _ => "filtering",
    };
    let controller = match report.controller_pid {
        Some(_) => "controller",
        None => "NO CONTROLLER",
    };
    [
        does.to_owned(),
        controller.to_owned(),
        report.mode.to_owned(),
    ]
}

/// What is going on, in at most so many lines.
pub(super) fn words(app: &App, width: u16, most: u16) -> Vec<String> {
    let words = app.face().words();
    let lines = words
        .iter()
        .flat_map(|words| wrap(words, usize::from(width)));
    let mut lines: Vec<_> = lines.collect();
    let most = usize::from(most.max(1));
    if lines.len() > most {
        lines.truncate(most - 1);
        lines.push(format!(
            "  .. and more: `synguard status {}`",
            app.face().name
        ));
    }
    lines
}

pub(super) fn write(words: &[String], app: &App, look: &Look, frame: &mut Frame, area: Rect) {
    let harmless = |report: &Report| {
        report.in_place != Some(false) && !report.dry_run && report.controller_pid.is_some()
    };
    let calm = app.face().fault.is_none() && app.face().report.as_ref().is_none_or(harmless);
    let style = |line: &str| {
        if !calm || line.starts_with("SPOOFED") {
            look.alarm()
        } else {
            ratatui::style::Style::new()
        }
    };
    let lines: Vec<_> = words
        .iter()
        .map(|line| Line::from(Span::styled(line.as_str(), style(line))))
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}
