//! Whether the interface is still there. It may be deleted and made again, get another
//! name, or move to another network namespace; bans, rules and counters stay meanwhile.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::guard::{Ending, Guard};
use crate::events::Event;
use crate::interface::{Interface, Links};
use crate::protected::{self, Protected};
use crate::{Result, challenge};

/// So long has an interface to be seen without its filter: the message that it is another
/// one of the same number may come after the look that shows it.
const DOUBT: Duration = Duration::from_millis(500);

/// Where the filter was last seen.
#[derive(Debug)]
pub(super) struct Presence {
    /// The number of its interface.
    index: u32,
    /// The id of the program that filters.
    program: u32,
    /// From when on links tell something about it.
    since: Instant,
    /// The name that the interface has, if somebody gave it another one.
    called: Option<String>,
    /// Since when it is gone; seen by others, too.
    away: Rc<Cell<Option<Instant>>>,
    /// Why it could not come back, as last said.
    complaint: Option<String>,
    /// Since when the interface is seen without its filter.
    bare: Option<Instant>,
}

/// Where a filter is, by what the kernel shows.
#[derive(Debug, PartialEq, Eq)]
enum Whereabouts<'l> {
    /// Where it was put.
    InPlace,
    /// On its interface, which has this name now.
    Renamed(&'l str),
    /// Nowhere, as its interface is nowhere.
    Gone,
    /// Nowhere, but there is an interface of its name again.
    Back(&'l Interface),
    /// Its interface is there, and runs it no more.
    TakenOff,
}

impl Presence {
    pub(super) fn new(index: u32, program: u32) -> Self {
        Self {
            index,
            program,
            since: Instant::now(),
            called: None,
            away: Rc::default(),
            complaint: None,
            bare: None,
        }
    }

    pub(super) fn is_away(&self) -> bool {
        self.away.get().is_some()
    }

    fn of<'l>(&self, name: &str, links: &'l Links) -> Whereabouts<'l> {
        let named = links.named(name);
        let holder = links.running(self.program);
        match (holder, named) {
            (Some(holder), _) if holder.name == name => Whereabouts::InPlace,
            // Names are what is wanted: a new one of the name has the filter.
            (Some(_), Some(named)) => Whereabouts::Back(named),
            (Some(holder), None) => Whereabouts::Renamed(&holder.name),
            (None, None) => Whereabouts::Gone,
            (None, Some(named)) if self.is_another(named, links) => Whereabouts::Back(named),
            (None, Some(_)) => Whereabouts::TakenOff,
        }
    }

    /// Whether the interface has been seen without its filter for long, by the look taken
    /// `now`.
    fn is_bare(&mut self, now: Instant) -> bool {
        let since = *self.bare.get_or_insert(now);
        now.saturating_duration_since(since) >= DOUBT
    }

    /// Whether an interface of the same name is not the one that was filtered.
    fn is_another(&self, interface: &Interface, links: &Links) -> bool {
        self.is_away() || interface.index != self.index || links.was_deleted(self.index, self.since)
    }
}

impl Guard {
    /// The id of the program that filters, which stays the same.
    pub fn program(&self) -> u32 {
        self.presence.program
    }

    /// Since when the interface is gone, now and later.
    pub fn away(&self) -> Rc<Cell<Option<Instant>>> {
        Rc::clone(&self.presence.away)
    }

    /// Goes along with what became of the interface.
    pub(super) async fn heed(&mut self, links: &Links) -> Option<Ending> {
        if links.taken < self.presence.since {
            return None;
        }
        let name = self.interface().to_owned();
        let whereabouts = self.presence.of(&name, links);
        if whereabouts != Whereabouts::TakenOff {
            self.presence.bare = None;
        }
        match whereabouts {
            Whereabouts::InPlace => {
                self.note_return().await;
                self.note_name(None);
            }
            Whereabouts::Renamed(called) => {
                self.note_return().await;
                self.note_name(Some(called));
            }
            Whereabouts::Gone if self.presence.is_away() || self.is_there_all_the_same().await => {}
            Whereabouts::Gone => self.leave().await,
            Whereabouts::Back(interface) => self.try_to_follow(interface, links.told).await,
            Whereabouts::TakenOff if !self.attached.pins.exist() => return Some(Ending::Detached),
            Whereabouts::TakenOff if self.presence.is_bare(links.taken) => {
                return Some(Ending::Lost);
            }
            Whereabouts::TakenOff => {}
        }
        None
    }

    /// Whether the look before missed it: it is not given up for that.
    async fn is_there_all_the_same(&self) -> bool {
        let found = self.network.interface(self.interface()).await;
        found.is_ok_and(|found| found.index == self.presence.index)
    }

    /// It was gone, and is there again with the filter on it.
    async fn note_return(&mut self) {
        if self.presence.away.take().is_none() {
            return;
        }
        self.tell_return(Duration::ZERO);
        let anew = self.begin_challenges_anew("the interface is back").await;
        if let Err(failure) = anew {
            warn!("{}: {failure}", self.interface());
        }
    }

    fn tell_return(&mut self, latency: Duration) {
        let back = Event::InterfaceBack {
            mode: self.attached.facts.mode(),
            bans: self.detection.bans.len() as u64,
            latency,
        };
        self.tell(&back);
        self.tell_metrics();
    }

    fn note_name(&mut self, called: Option<&str>) {
        if self.presence.called.as_deref() == called {
            return;
        }
        let name = self.interface();
        match called {
            Some(called) => warn!(
                "{name}: it is called {called} now: the filter stays on it, and its state is still \
                 found under {name}; for good: `synguard detach {name}` and `synguard attach {called}`"
            ),
            None => info!("{name}: it has its name back"),
        }
        self.presence.called = called.map(str::to_owned);
    }

    async fn leave(&mut self) {
        self.presence.away.set(Some(Instant::now()));
        self.presence.called = None;
        let bans = self.detection.bans.len() as u64;
        self.tell(&Event::InterfaceGone { bans });
        self.tell_metrics();
        let calmed = self.begin_challenges_anew("the interface is gone").await;
        if let Err(failure) = self.attached.let_go().and(calmed) {
            warn!("{}: {failure}", self.interface());
        }
    }

    /// What is in the way is said once, and tried again at each look.
    async fn try_to_follow(&mut self, interface: &Interface, told: Instant) {
        let Err(failure) = self.filter_again(interface, told).await else {
            self.presence.complaint = None;
            return;
        };
        if self.presence.away.get().is_none() {
            self.presence.away.set(Some(Instant::now()));
        }
        let complaint = failure.to_string();
        if self.presence.complaint.as_ref() != Some(&complaint) {
            let name = self.interface();
            warn!("{name}: it is back, and NOT filtered so far: {complaint}");
            self.presence.complaint = Some(complaint);
        }
    }

    async fn filter_again(&mut self, interface: &Interface, told: Instant) -> Result<()> {
        let settings = challenge::settings_for(interface, &self.settings)?;
        self.attached.follow(interface, settings.mode)?;
        let took = told.elapsed();
        self.presence.index = interface.index;
        self.presence.since = Instant::now();
        self.presence.away.set(None);
        self.presence.called = None;
        self.veth = interface.veth;
        self.tell_return(took);
        self.begin_challenges_anew("the interface is another one")
            .await
    }

    /// Protects other addresses from now on.
    pub(super) fn depend_on(&mut self, addresses: &Protected) -> Result<()> {
        let before = std::mem::replace(&mut self.depended_on, addresses.clone());
        let name = self.interface();
        for (address, why) in addresses {
            if before.get(address) != Some(why) {
                info!("{name}: protected {address} ({})", protected::reason(*why));
            }
        }
        for address in before.keys().filter(|old| !addresses.contains_key(old)) {
            info!("{name}: no longer protected {address}");
        }
        self.sweep()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::interface::XdpProgram;

    const PROGRAM: u32 = 7;

    fn interface(name: &str, index: u32, program: Option<u32>) -> Interface {
        Interface {
            name: name.to_owned(),
            index,
            ethernet: true,
            link_layer: "ether".to_owned(),
            veth: false,
            up: true,
            xdp: program.map(|id| XdpProgram { id, native: true }),
        }
    }

    fn links(present: &[Interface], deleted: &[u32]) -> Links {
        let now = Instant::now() + Duration::from_secs(1);
        Links {
            present: present.to_vec(),
            taken: now,
            told: now,
            deleted: deleted.iter().map(|index| (*index, now)).collect(),
        }
    }

    #[test]
    fn a_filter_is_found_by_its_program() {
        let ours = interface("eth0", 2, Some(PROGRAM));
        let bare = interface("eth0", 2, None);
        let anew = interface("eth0", 3, None);
        let renamed = interface("enp3s0", 2, Some(PROGRAM));
        let foreign = interface("eth0", 2, Some(8));
        for (present, deleted, expected) in [
            (vec![ours.clone()], vec![], Whereabouts::InPlace),
            (
                vec![renamed.clone()],
                vec![],
                Whereabouts::Renamed("enp3s0"),
            ),
            (vec![], vec![2], Whereabouts::Gone),
            (vec![], vec![], Whereabouts::Gone),
            (vec![anew.clone()], vec![], Whereabouts::Back(&anew)),
            (vec![bare.clone()], vec![2], Whereabouts::Back(&bare)),
            (vec![bare.clone()], vec![3], Whereabouts::TakenOff),
            (vec![foreign.clone()], vec![], Whereabouts::TakenOff),
            (
                vec![renamed, anew.clone()],
                vec![],
                Whereabouts::Back(&anew),
            ),
        ] {
            let links = links(&present, &deleted);
            let presence = Presence::new(2, PROGRAM);
            assert_eq!(
                presence.of("eth0", &links),
                expected,
                "{present:?} {deleted:?}"
            );
        }
    }

    #[test]
    fn a_filter_is_given_up_only_when_it_stays_off() {
        let (mut presence, first) = (Presence::new(2, PROGRAM), Instant::now());
        assert!(!presence.is_bare(first) && !presence.is_bare(first + DOUBT / 2));
        assert!(presence.is_bare(first + DOUBT));
    }

    #[test]
    fn what_was_gone_is_another_one_whatever_its_number() {
        let bare = interface("eth0", 2, None);
        let presence = Presence::new(2, PROGRAM);
        presence.away.set(Some(Instant::now()));
        let links = links(std::slice::from_ref(&bare), &[]);
        assert_eq!(presence.of("eth0", &links), Whereabouts::Back(&bare));
    }

    #[test]
    fn deletions_before_its_time_say_nothing_about_it() {
        let bare = interface("eth0", 2, None);
        let before = Instant::now();
        let presence = Presence::new(2, PROGRAM);
        let links = Links {
            deleted: BTreeMap::from([(2, before)]),
            ..links(&[bare], &[])
        };
        assert_eq!(presence.of("eth0", &links), Whereabouts::TakenOff);
    }
}
