//! All that the view knows, and what happens to it.

use std::time::{Duration, SystemTime};

use ipnet::IpNet;
use ratatui::crossterm::event::KeyEvent;

use super::dialog::{Dialog, Verdict};
use super::face::Face;
use super::order::Order;
use super::rows::{Row, Sort, matches};
use crate::status::{Report, RuleEntry, SourceEntry};

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// The terminal has another size.
    Resized,
    /// Time went on: since the view was opened, and by the calendar.
    Tick(Duration, SystemTime),
    /// These interfaces are attached now.
    Attached(Vec<String>),
    /// An interface's state without rules and sources, or why it cannot be read.
    State(String, Result<Box<Report>, String>),
    /// An interface's rules.
    Rules(String, Vec<RuleEntry>),
    /// An interface's busiest sources, and how many are known.
    Sources(String, Vec<SourceEntry>, usize),
    /// Whether an order would be refused.
    Checked(Order, Result<(), String>),
    /// An order was carried out, or not; in words.
    Done(Result<Vec<String>, String>),
}

/// Something that is to be done outside.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// End.
    Quit,
    /// Give the terminal back until the shell goes on with this.
    Suspend,
    /// Find out whether this would be refused.
    Check(Order),
    /// Do it.
    Carry(Order),
    /// Read rules and sources at once: another interface is shown, or something was done.
    Reread,
}

/// A line about what was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The words.
    pub text: String,
    /// Whether it failed.
    pub bad: bool,
}

/// What keys mean.
#[derive(Debug)]
pub enum Mode {
    /// Moving in the list.
    List,
    /// Writing the filter; what it was before.
    Filter(String),
    /// Answering a question.
    Confirm(Dialog),
    /// Reading what keys do.
    Help,
}

/// The live view.
#[derive(Debug)]
pub struct App {
    /// The interfaces.
    pub faces: Vec<Face>,
    /// Which of them is shown.
    pub shown: usize,
    /// Since the view was opened.
    pub now: Duration,
    /// By the calendar.
    pub date: SystemTime,
    /// What keys mean.
    pub mode: Mode,
    /// Whether everything stands still.
    pub paused: bool,
    /// What the list is sorted by.
    pub sort: Sort,
    /// Which lines are wanted.
    pub filter: String,
    /// The list's lines, filtered and sorted.
    pub rows: Vec<Row>,
    /// The last outcome.
    pub notice: Option<Notice>,
    /// Why nothing can be changed; none where it can.
    pub read_only: Option<String>,
    /// The selected line.
    pub cursor: usize,
    /// How many lines the list had room for when it was drawn last.
    pub page: usize,
    /// The selection stays with whom it is about when lines move.
    selected: Option<IpNet>,
}

impl App {
    /// A view of these interfaces; `read_only` says why nothing can be changed.
    pub fn new(interfaces: Vec<String>, read_only: Option<String>, date: SystemTime) -> Self {
        Self {
            faces: interfaces.into_iter().map(Face::new).collect(),
            shown: 0,
            now: Duration::ZERO,
            date,
            mode: Mode::List,
            paused: false,
            sort: Sort::default(),
            filter: String::new(),
            rows: Vec::new(),
            notice: None,
            read_only,
            cursor: 0,
            page: 1,
            selected: None,
        }
    }

    /// The interface that is shown.
    ///
    /// # Panics
    ///
    /// Never: there is one from the beginning, and the one that is shown is not taken away.
    pub fn face(&self) -> &Face {
        &self.faces[self.shown]
    }

    /// The selected line.
    pub fn row(&self) -> Option<&Row> {
        self.rows.get(self.cursor)
    }

    /// Takes note of what happened.
    pub fn handle(&mut self, event: Event) -> Option<Effect> {
        match event {
            Event::Key(key) => return self.press(key),
            Event::Resized => {}
            Event::Tick(now, date) => {
                self.date = date;
                // Nothing moves, and no time left runs out.
                if !self.paused {
                    self.now = now;
                }
            }
            Event::Attached(names) => self.meet(names),
            Event::State(name, read) => self.change(&name, |face, now| face.set_report(now, read)),
            Event::Rules(name, rules) => self.change(&name, |face, now| face.set_rules(now, rules)),
            Event::Sources(name, sources, tracked) => {
                self.change(&name, |face, _| face.set_sources(sources, tracked));
            }
            Event::Checked(order, outcome) => self.learn(&order, outcome),
            Event::Done(outcome) => {
                self.notice = Some(match outcome {
                    Ok(said) => Notice {
                        text: said.join("; "),
                        bad: false,
                    },
                    Err(text) => Notice { text, bad: true },
                });
                return Some(Effect::Reread);
            }
        }
        None
    }

    /// Interfaces that are gone go, but for the one that is shown: it may come back, and
    /// its words say so.
    fn meet(&mut self, names: Vec<String>) {
        let shown = self.face().name.clone();
        self.faces.retain(|face| {
            face.fault.is_none() || face.name == shown || names.contains(&face.name)
        });
        let place = self.faces.iter().position(|face| face.name == shown);
        self.shown = place.unwrap_or(0);
        for name in names {
            if !self.faces.iter().any(|face| face.name == name) {
                self.faces.push(Face::new(name));
            }
        }
    }

    /// There may be millions of rows: they are arranged only where others are to be seen.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Face, Duration) -> bool) {
        let now = self.now;
        let Some(place) = self.faces.iter().position(|face| face.name == name) else {
            return;
        };
        if change(&mut self.faces[place], now) && place == self.shown {
            self.arrange();
        }
    }

    fn learn(&mut self, order: &Order, outcome: Result<(), String>) {
        if let Mode::Confirm(dialog) = &mut self.mode
            && dialog.order == *order
        {
            dialog.verdict = match outcome {
                Ok(()) => Verdict::Fine,
                Err(why) => Verdict::Refused(why),
            };
        }
    }

    /// Filters and sorts; the selection stays with whom it is about.
    pub(super) fn arrange(&mut self) {
        let all = self.faces[self.shown].rows.iter();
        self.rows = all
            .filter(|row| matches(row, &self.filter))
            .cloned()
            .collect();
        let sort = self.sort;
        self.rows.sort_by(|a, b| sort.compare(a, b));
        let stayed = self
            .rows
            .iter()
            .position(|row| Some(row.net) == self.selected);
        self.select(stayed.unwrap_or(self.cursor));
        // Nobody was selected on purpose yet: the top stays selected.
        if stayed.is_none() {
            self.selected = None;
        }
    }

    /// Selects a line, or the last one where there are not so many.
    pub(super) fn select(&mut self, line: usize) {
        self.cursor = line.min(self.rows.len().saturating_sub(1));
        self.selected = self.row().map(|row| row.net);
    }

    /// Shows another interface.
    pub(super) fn show(&mut self, place: usize) -> Option<Effect> {
        if place >= self.faces.len() || place == self.shown {
            return None;
        }
        self.shown = place;
        (self.cursor, self.selected) = (0, None);
        self.arrange();
        Some(Effect::Reread)
    }
}
