//! Other settings for a running filter, without a packet unfiltered.

use std::collections::BTreeMap;

use tracing::warn;

use super::guard::Guard;
use super::journal;
use crate::cli::LogLevel;
use crate::config::{self, InForce, Outcome, Resolved, Value};
use crate::settings::Settings;
use crate::{Result, challenge, log, telling};

/// What needs a new attachment, and how to get one.
const FIXED: [(&str, &str); 5] = [
    ("mode", "`synguard detach`, then `attach`"),
    ("max-sources", "`synguard detach`, then `attach`"),
    ("max-rules", "`synguard detach`, then `attach`"),
    ("confirm-within", "it is for the next `attach`"),
    ("state-dir", "`attach` again takes over"),
];

/// What challenges go by.
const OF_CHALLENGES: [&str; 4] = ["challenge", "challenge-ports", "manage-sysctls", "dry-run"];

/// What to change, in words, and what not.
struct Difference {
    /// By key.
    changed: BTreeMap<String, String>,
    kept: Vec<String>,
}

impl Guard {
    /// Reads the settings anew, and puts in force what can be. A file with anything
    /// wrong in it changes nothing.
    pub(super) async fn reload(&mut self) {
        // Before the file is read: who asks later may have changed it later.
        let request = config::asked(&self.attached.pins);
        let resolved = self.source.resolve(self.interface());
        let adopted = match resolved {
            Ok(resolved) => self.adopt(resolved).await,
            Err(wrong) => Err(wrong),
        };
        let outcome = adopted.unwrap_or_else(|failure| Outcome {
            refused: Some(failure.to_string()),
            ..Outcome::default()
        });
        self.tell(&journal::reloaded(&outcome));
        self.tell_settings(request, outcome);
    }

    async fn adopt(&mut self, mut resolved: Resolved) -> Result<Outcome> {
        let Difference {
            mut changed,
            mut kept,
        } = difference(&self.values, &resolved.values);
        let mut settings = Settings {
            mode: self.settings.mode,
            max_sources: self.settings.max_sources,
            max_rules: self.settings.max_rules,
            confirm_within: self.settings.confirm_within,
            ..resolved.settings
        };
        for (key, _) in FIXED {
            self.keep_value(key, &mut resolved.values);
        }
        if changed.contains_key("challenge")
            && let Err(obstacle) = self.prepare_challenges(&settings).await
        {
            settings.challenge = self.settings.challenge;
            self.keep_value("challenge", &mut resolved.values);
            changed.remove("challenge");
            kept.push(format!("challenge: {obstacle}"));
        }
        for (key, failure) in telling::refused() {
            self.keep_value(key, &mut resolved.values);
            changed.remove(key);
            kept.push(format!("{key}: {failure}"));
        }
        if !changed.is_empty() {
            self.attached.adopt(&settings)?;
        }
        // From here on it is in force, whatever fails yet.
        self.values = resolved.values;
        if changed.contains_key("log-level") {
            let louder = log::set_level(resolved.log_level);
            kept.extend(louder.err().map(|failure| failure.to_string()));
            kept.extend(of_kernel_log(resolved.log_level));
        }
        if !changed.is_empty()
            && let Err(failure) = self.go_on_with(settings, &changed).await
        {
            kept.push(format!("what follows from it, for now: {failure}"));
        }
        let changed = changed.into_values().collect();
        Ok(Outcome {
            changed,
            kept,
            refused: None,
        })
    }

    /// What the controller does with settings that are in force.
    async fn go_on_with(
        &mut self,
        settings: Settings,
        changed: &BTreeMap<String, String>,
    ) -> Result<()> {
        self.settings = settings;
        self.detection.adopt(&settings, &self.attached.clock);
        self.watch.set_threshold(settings.spoofed_rate);
        if OF_CHALLENGES.iter().any(|key| changed.contains_key(*key)) {
            self.begin_challenges_anew("the settings have changed")
                .await?;
        }
        // Bans of a dry run are gone, and sources may be others.
        self.sweep()
    }

    /// Where the interface can answer at all.
    async fn prepare_challenges(&mut self, settings: &Settings) -> Result<()> {
        let interface = self.network.interface(self.interface()).await?;
        challenge::settings_for(&interface, settings)?;
        if settings.challenge() == crate::settings::Challenge::Off {
            return Ok(());
        }
        self.attached.load_challenge()
    }

    fn keep_value(&self, key: &str, values: &mut BTreeMap<String, Value>) {
        if let Some(value) = self.values.get(key) {
            values.insert(key.to_owned(), value.clone());
        }
    }

    /// For `config show`, and for who waits for a reload.
    pub(super) fn tell_settings(&self, answered: Option<u64>, outcome: Outcome) {
        let told = InForce {
            config: self.source.path().to_owned(),
            values: self.values.clone(),
            answered,
            outcome,
        };
        if let Err(failure) = told.write(&self.attached.pins) {
            warn!("{}: {failure}", self.interface());
        }
    }
}

/// The program in the kernel is made with or without words.
fn of_kernel_log(level: LogLevel) -> Option<String> {
    let of_syns = matches!(level, LogLevel::Debug | LogLevel::Trace);
    of_syns.then(|| {
        "log-level: the kernel side tells of SYNs only if it was attached so; `attach` again \
         takes over"
            .to_owned()
    })
}

/// What is to change from `before` to `wanted`, and what would.
fn difference(before: &BTreeMap<String, Value>, wanted: &BTreeMap<String, Value>) -> Difference {
    let mut difference = Difference {
        changed: BTreeMap::new(),
        kept: Vec::new(),
    };
    for (key, new) in wanted {
        let Some(old) = before.get(key).filter(|old| old.value != new.value) else {
            continue;
        };
        let (old, new, origin) = (&old.value, &new.value, &new.origin);
        match FIXED.iter().find(|(fixed, _)| fixed == key) {
            Some((_, remedy)) => difference
                .kept
                .push(format!("{key} stays {old}; for {new} ({origin}): {remedy}")),
            None => {
                let text = format!("{key} is {new} ({origin}), it was {old}");
                difference.changed.insert(key.clone(), text);
            }
        }
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Origin, default_of, keys};

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, Value> {
        let own = |(key, value): &(&str, &str)| {
            let value = Value {
                value: (*value).to_owned(),
                origin: Origin::Default,
            };
            ((*key).to_owned(), value)
        };
        pairs.iter().map(own).collect()
    }

    #[test]
    fn what_differs_is_changed_or_kept() {
        let before = values(&[("syn-rate", "50"), ("mode", "auto"), ("keep", "false")]);
        let wanted = values(&[("syn-rate", "80"), ("mode", "generic"), ("keep", "false")]);
        let Difference { changed, kept } = difference(&before, &wanted);
        let changed: Vec<_> = changed.into_values().collect();
        assert_eq!(changed, ["syn-rate is 80 (default), it was 50"]);
        assert_eq!(
            kept,
            ["mode stays auto; for generic (default): `synguard detach`, then `attach`"]
        );
    }

    #[test]
    fn what_is_named_here_is_a_key() {
        let fixed = FIXED.iter().map(|(key, _)| *key);
        for key in fixed.chain(OF_CHALLENGES) {
            assert!(keys().iter().any(|known| known == key), "{key}");
        }
        assert_eq!(default_of("syn-rate").as_deref(), Some("50"));
    }
}
