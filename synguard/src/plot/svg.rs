//! The picture itself.

use std::time::{Duration, SystemTime};

use svg::Document;
use svg::node::element::path::Data;
use svg::node::element::{Circle, Definitions, Group, Line, Path, Pattern, Rectangle, Text, Title};

use super::axis::{number, ticks, times};
use super::{Mark, Plot};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 48.0;
const TOP: f64 = 80.0;
/// Marks closer than this have their numbers in one place.
const CLOSE: f64 = 24.0;
const HEIGHT: f64 = 320.0;
const BOTTOM: f64 = TOP + HEIGHT;
const LINE: f64 = 18.0;
/// So many marks are explained; further ones are drawn without a number.
const EXPLAINED: usize = 20;

/// Fills from light to dark, so that they differ without their hatching as well.
const FILLS: [&str; 4] = ["#dceaf7", "#f3c969", "#c0504d", "#7f6084"];

/// Draws it as SVG.
pub fn draw(plot: &Plot) -> String {
    let scale = Scale::of(plot);
    let mut legend = BOTTOM + 60.0;
    let mut picture = Group::new()
        .set("font-family", "sans-serif")
        .set("font-size", 12)
        .add(heading(plot))
        .add(grid(plot, &scale))
        .add(stack(plot, &scale))
        .add(marks(plot, &scale))
        .add(frame());
    for (kind, series) in plot.series.iter().enumerate() {
        let x = LEFT + 180.0 * kind as f64;
        picture =
            picture
                .add(swatch(kind, x, legend))
                .add(label(&series.label, x + 26.0, legend + 11.0));
    }
    legend += LINE;
    for (n, mark) in plot.marks.iter().take(EXPLAINED).enumerate() {
        legend += LINE;
        let text = format!("{}  {}  {}", n + 1, clock(mark.at, 1.0), mark.label);
        picture = picture.add(label(&text, LEFT, legend));
    }
    if let Some(more @ 1..) = plot.marks.len().checked_sub(EXPLAINED) {
        legend += LINE;
        picture = picture.add(label(&format!("and {more} more"), LEFT, legend));
    }
    let height = legend + LINE;
    Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("width", WIDTH)
        .set("height", height)
        .add(patterns())
        .add(
            Rectangle::new()
                .set("width", WIDTH)
                .set("height", height)
                .set("fill", "white"),
        )
        .add(picture)
        .to_string()
}

/// From counts and times to places.
struct Scale {
    seconds: f64,
    ticks: Vec<f64>,
}

impl Scale {
    fn of(plot: &Plot) -> Self {
        Self {
            seconds: plot.spans() as f64 * plot.span.as_secs_f64(),
            ticks: ticks(plot.highest().max(1.0), 5),
        }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (seconds / self.seconds).clamp(0.0, 1.0)
    }

    fn y(&self, rate: f64) -> f64 {
        let top = self.ticks.last().copied().unwrap_or(1.0).max(1e-9);
        BOTTOM - HEIGHT * (rate / top).clamp(0.0, 1.0)
    }
}

/// Plain, diagonal, crossed, dotted.
fn patterns() -> Definitions {
    let hatch = |kind: usize| {
        let base = Pattern::new()
            .set("id", format!("kind{kind}"))
            .set("width", 8)
            .set("height", 8)
            .set("patternUnits", "userSpaceOnUse")
            .add(
                Rectangle::new()
                    .set("width", 8)
                    .set("height", 8)
                    .set("fill", FILLS[kind]),
            );
        let stroke = |data| {
            Path::new()
                .set("d", data)
                .set("stroke", "black")
                .set("stroke-width", 1)
        };
        match kind {
            1 => base.add(stroke("M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4")),
            2 => base.add(stroke("M0,0 l8,8 M0,8 l8,-8")),
            3 => base.add(Circle::new().set("cx", 4).set("cy", 4).set("r", 1.5)),
            _ => base,
        }
    };
    (0..FILLS.len()).fold(Definitions::new(), |all, kind| all.add(hatch(kind)))
}

fn heading(plot: &Plot) -> Group {
    let from = humantime::format_rfc3339_seconds(plot.begin);
    let span = humantime::format_duration(plot.span);
    let below = format!(
        "{} per second, stacked; each step is {span}; UTC, from {from}",
        plot.unit
    );
    Group::new()
        .add(label(&plot.title, LEFT, 26.0).set("font-size", 16))
        .add(label(&below, LEFT, 46.0))
}

fn grid(plot: &Plot, scale: &Scale) -> Group {
    let mut grid = Group::new();
    for tick in &scale.ticks {
        let y = scale.y(*tick);
        grid = grid
            .add(line((LEFT, y), (WIDTH - RIGHT, y), "#cccccc"))
            .add(label(&number(*tick), LEFT - 8.0, y + 4.0).set("text-anchor", "end"));
    }
    let times = times(scale.seconds, 8);
    let step = times.get(1).copied().unwrap_or(1.0);
    for at in times {
        let x = scale.x(at);
        let shown = clock(plot.begin + Duration::from_secs_f64(at), step);
        grid = grid
            .add(line((x, BOTTOM), (x, BOTTOM + 5.0), "black"))
            .add(label(&shown, x, BOTTOM + 20.0).set("text-anchor", "middle"));
    }
    grid
}

/// The kinds, each on top of those before it.
fn stack(plot: &Plot, scale: &Scale) -> Group {
    let areas = (0..plot.series.len()).map(|kind| area(plot, scale, kind));
    areas.fold(Group::new(), Group::add)
}

fn area(plot: &Plot, scale: &Scale, kind: usize) -> Path {
    let span = plot.span.as_secs_f64();
    let edge = |upto: usize, at: usize| {
        let y = scale.y(plot.rate(upto, at));
        let (left, right) = (scale.x(at as f64 * span), scale.x((at + 1) as f64 * span));
        [(left, y), (right, y)]
    };
    let upper = (0..plot.spans()).flat_map(|at| edge(kind + 1, at));
    let lower = (0..plot.spans()).rev().flat_map(|at| {
        let [left, right] = edge(kind, at);
        [right, left]
    });
    let mut data = Data::new();
    for (n, point) in upper.chain(lower).enumerate() {
        let point = (round(point.0), round(point.1));
        data = if n == 0 {
            data.move_to(point)
        } else {
            data.line_to(point)
        };
    }
    Path::new()
        .set("d", data.close())
        .set("fill", format!("url(#kind{})", kind % FILLS.len()))
        .set("stroke", "black")
        .set("stroke-width", 0.5)
}

fn marks(plot: &Plot, scale: &Scale) -> Group {
    let mut group = Group::new();
    for mark in &plot.marks {
        let x = round(scale.x(since(plot, mark)));
        let dashed = line((x, TOP), (x, BOTTOM), "black").set("stroke-dasharray", "6 3");
        group = group.add(dashed.add(Title::new(mark.label.clone())));
    }
    let places = plot.marks.iter().take(EXPLAINED);
    let places: Vec<_> = places.map(|mark| scale.x(since(plot, mark))).collect();
    for (numbers, x) in together(&places) {
        group = group.add(label(&numbers, x, TOP - 6.0).set("text-anchor", "middle"));
    }
    group
}

/// The numbers of marks at these places, one text for those that lie close together.
fn together(places: &[f64]) -> Vec<(String, f64)> {
    let mut groups: Vec<(usize, usize, f64)> = Vec::new();
    for (n, x) in (1..).zip(places) {
        match groups.last_mut() {
            Some((_, last, first)) if (x - *first).abs() < CLOSE => *last = n,
            _ => groups.push((n, n, *x)),
        }
    }
    let text = |(first, last, x): (usize, usize, f64)| match last {
        last if last == first => (first.to_string(), x),
        last => (format!("{first}\u{2013}{last}"), x),
    };
    groups.into_iter().map(text).collect()
}

fn since(plot: &Plot, mark: &Mark) -> f64 {
    let since = mark.at.duration_since(plot.begin);
    since.map_or(0.0, |since| since.as_secs_f64())
}

fn frame() -> Path {
    let data = Data::new()
        .move_to((LEFT, TOP))
        .line_to((LEFT, BOTTOM))
        .line_to((WIDTH - RIGHT, BOTTOM));
    Path::new()
        .set("d", data)
        .set("fill", "none")
        .set("stroke", "black")
}

fn swatch(kind: usize, x: f64, y: f64) -> Rectangle {
    Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", 20)
        .set("height", 14)
        .set("fill", format!("url(#kind{})", kind % FILLS.len()))
        .set("stroke", "black")
}

fn line(from: (f64, f64), to: (f64, f64), colour: &str) -> Line {
    Line::new()
        .set("x1", from.0)
        .set("y1", from.1)
        .set("x2", to.0)
        .set("y2", to.1)
        .set("stroke", colour)
}

fn label(text: &str, x: f64, y: f64) -> Text {
    Text::new(text).set("x", round(x)).set("y", round(y))
}

/// `20:15:03`, with as many digits as steps of so many seconds need.
fn clock(time: SystemTime, step: f64) -> String {
    let shown = if step < 1.0 {
        humantime::format_rfc3339_millis(time).to_string()
    } else {
        humantime::format_rfc3339_seconds(time).to_string()
    };
    let shown = shown.trim_end_matches('Z');
    shown
        .split_once('T')
        .map_or(shown, |(_, time)| time)
        .to_owned()
}

/// A tenth of a point is more than anybody sees.
fn round(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::plot::Series;

    fn plot() -> Plot {
        let series = |label: &str, counts: &[u64]| Series {
            label: label.to_owned(),
            counts: counts.to_vec(),
        };
        Plot {
            title: "a <flood> & more".to_owned(),
            unit: "SYNs",
            begin: UNIX_EPOCH + Duration::from_secs(1_763_841_600),
            span: Duration::from_millis(500),
            series: vec![series("passed", &[10, 20, 5]), series("banned", &[0, 80])],
            marks: vec![Mark {
                at: UNIX_EPOCH + Duration::from_millis(1_763_841_600_700),
                label: "5.39.90.132 banned".to_owned(),
            }],
        }
    }

    #[test]
    fn kinds_differ_by_hatching_and_marks_are_explained() {
        let picture = draw(&plot());
        for words in [
            "url(#kind0)",
            "url(#kind1)",
            "<pattern",
            "passed",
            "banned",
            "1  20:00:00  5.39.90.132 banned",
            "SYNs per second",
            "2025-11-22T20:00:00Z",
            "200",
        ] {
            assert!(picture.contains(words), "{words}: {picture}");
        }
        assert!(!picture.contains("<flood>"), "text is escaped");
    }

    #[test]
    fn the_stack_is_as_high_as_the_rate() {
        // 100 in half a second are 200 a second, the top; half as high is half.
        let scale = Scale::of(&plot());
        assert_eq!(scale.ticks.last(), Some(&200.0));
        assert_eq!(scale.y(plot().rate(2, 1)), TOP);
        assert_eq!(scale.y(plot().rate(1, 1)), BOTTOM - HEIGHT / 5.0);
    }

    #[test]
    fn marks_close_together_share_a_place_for_their_numbers() {
        let texts: Vec<_> = together(&[10.0, 11.0, 30.0, 90.0, 100.0, 200.0])
            .into_iter()
            .map(|(text, _)| text)
            .collect();
        assert_eq!(texts, ["1\u{2013}3", "4\u{2013}5", "6"]);
    }

    #[test]
    fn nothing_to_show_is_a_picture_too() {
        let empty = Plot {
            series: Vec::new(),
            marks: Vec::new(),
            ..plot()
        };
        assert!(draw(&empty).starts_with("<svg"));
    }

    #[test]
    fn many_marks_are_not_all_explained() {
        let mut plot = plot();
        plot.marks = vec![plot.marks[0].clone(); 100];
        assert!(draw(&plot).contains("and 80 more"));
    }
}
