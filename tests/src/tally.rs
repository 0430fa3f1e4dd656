//! What legitimate clients asked for and how it went.

use std::time::Duration;

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// A page over plain HTTP.
    Http,
    /// A page over HTTPS.
    Https,
    /// To hand over a mail.
    Mail,
}

/// How one request went.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked for.
    pub request: Request,
    /// Whether it was served in full.
    pub success: bool,
    /// Until the end: curl's own measure, or the whole run of swaks, its
    /// start-up included.
    pub latency: Duration,
    /// Until the connection was open, where the client program measures that.
    pub connected: Option<Duration>,
    /// What the client program had to say.
    pub detail: String,
}

/// All answers of one run.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// In the order in which they ended.
    pub answers: Vec<Answer>,
}

impl Tally {
    /// How many requests were served.
    pub fn successes(&self) -> usize {
        self.answers.iter().filter(|answer| answer.success).count()
    }

    /// The latency that `percent` of the served web requests did not exceed.
    /// Mail is left out: most of its time is the start of swaks.
    pub fn web_latency(&self, percent: usize) -> Option<Duration> {
        let served = |answer: &&Answer| answer.success && answer.request != Request::Mail;
        let mut latencies: Vec<_> = self
            .answers
            .iter()
            .filter(served)
            .map(|answer| answer.latency)
            .collect();
        latencies.sort();
        let last = latencies.len().checked_sub(1)?;
        latencies.get(last * percent / 100).copied()
    }

    /// The time until the connection was open that `percent` of the served web
    /// requests did not exceed.
    pub fn connect_time(&self, percent: usize) -> Option<Duration> {
        let served = self.answers.iter().filter(|answer| answer.success);
        let mut times: Vec<_> = served.filter_map(|answer| answer.connected).collect();
        times.sort();
        let last = times.len().checked_sub(1)?;
        times.get(last * percent / 100).copied()
    }

    /// Every failed request, one a line.
    pub fn failures(&self) -> String {
        let failed = self.answers.iter().filter(|answer| !answer.success);
        failed
            .map(|answer| format!("{:?}: {}\n", answer.request, answer.detail))
            .collect()
    }
}
