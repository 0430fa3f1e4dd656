//! What the controller tells for metrics.

use std::time::SystemTime;

use super::guard::Guard;
use crate::class::Class;

impl Guard {
    /// Tells how it is, once a second.
    pub(super) fn tell_metrics(&self) {
        let detection = &self.detection;
        let classes = [Class::Flood, Class::Reflection, Class::Scan];
        let bans = classes.map(|class| (class.label(), detection.bans.of(class)));
        let most_bans = self.attached.maps.rule_capacity() / 2;
        self.voice.watched.update(|told| {
            told.in_place = !self.presence.is_away();
            told.looked_at = Some(SystemTime::now());
            told.suspects = detection.suspects();
            told.bans = bans.into();
            told.most_bans = most_bans;
            told.sources = detection.tracked;
            told.evidence_dropped = self.evidence.dropped();
        });
    }
}
