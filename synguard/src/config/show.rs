//! Settings and where they come from, for people and for programs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::{INTERFACES, Value, keys};
use crate::text;

/// Of [`ShownSettings`]; raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What `config show --json` writes.
#[derive(Debug, Serialize)]
pub struct ShownSettings {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// One entry each.
    pub interfaces: Vec<ShownInterface>,
}

/// The settings of an interface.
#[derive(Debug, Serialize)]
pub struct ShownInterface {
    /// Its name; null: the settings in general.
    pub interface: Option<String>,
    /// Whether they are in force, or would be.
    pub attached: bool,
    /// The controller's process, or null where none runs.
    pub controller_pid: Option<u32>,
    /// Whether nothing is dropped as somebody said `synguard panic`.
    pub panic: bool,
    /// The file that was read, or would be if it were there.
    pub config: PathBuf,
    /// Each key's value.
    pub values: BTreeMap<String, Value>,
}

/// For people.
pub fn show(shown: &ShownInterface) -> String {
    let mut order = vec![INTERFACES.to_owned()];
    order.extend(keys::keys());
    let rows: Vec<_> = order
        .iter()
        .filter_map(|key| {
            let Value { value, origin } = shown.values.get(key)?;
            Some([key.clone(), text::plain(value), origin.to_string()])
        })
        .collect();
    format!(
        "{}\n{}",
        headline(shown),
        text::table(["SETTING", "VALUE", "FROM"], &rows)
    )
}

fn headline(shown: &ShownInterface) -> String {
    let state = match (shown.attached, shown.controller_pid) {
        (true, Some(pid)) => format!("in force, controller running (process {pid})"),
        (true, None) => "in force, as the last controller said; none runs".to_owned(),
        (false, _) => "not attached; this is what it would be attached with".to_owned(),
    };
    let panic = if shown.panic {
        "; PANIC: nothing is dropped, whatever dry-run says"
    } else {
        ""
    };
    match &shown.interface {
        Some(name) => format!("{name}: {state}{panic}"),
        None => format!(
            "{}: for interfaces without a section",
            shown.config.display()
        ),
    }
}
