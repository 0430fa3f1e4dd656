//! What `status` and `list` tell: the model that JSON and text share.

mod challenge;
mod report;
mod rule;
mod sources;
mod text;
mod waiting;

pub use challenge::{Challenges, ListenerEntry};
pub use report::{Dropped, Rates, Report, Sample, Spoofed, Statuses, Threshold};
pub use rule::{Evidence, Identity, ListEntry, RuleEntry, RuleList, RuleLists, rules, rules_about};
pub use sources::{SourceEntry, sources};
pub use text::{show, show_list, words};
pub use waiting::{Holder, Waiting};

/// Raised when a field changes its meaning or goes; new fields may come
/// without. See docs/status-json.md.
pub const SCHEMA_VERSION: u32 = 1;
