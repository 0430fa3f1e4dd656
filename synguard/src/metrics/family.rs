//! A metric with all its series. Pure.

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, but for new beginnings; its name ends with `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It is always 1, and its labels tell; its name ends with `_info`.
    Info,
}

impl Kind {
    /// As exposition formats name it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Info => "info",
        }
    }

    /// What its name ends with.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Gauge => "",
            Self::Info => "_info",
        }
    }
}

/// One number with its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

/// A metric with all its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Its name, without its kind's suffix.
    pub stem: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// What it means, in one line.
    pub help: &'static str,
    /// All of its series.
    pub series: Vec<Series>,
}

impl Family {
    /// One without series yet.
    pub const fn new(kind: Kind, stem: &'static str, help: &'static str) -> Self {
        Self {
            stem,
            kind,
            help,
            series: Vec::new(),
        }
    }

    /// Adds a series.
    pub fn put<const N: usize>(&mut self, labels: [(&'static str, &str); N], value: f64) {
        self.series.push(Series {
            labels: labels.map(|(name, value)| (name, value.to_owned())).into(),
            value,
        });
    }

    /// Its name.
    pub fn name(&self) -> String {
        format!("{}{}", self.stem, self.kind.suffix())
    }
}
