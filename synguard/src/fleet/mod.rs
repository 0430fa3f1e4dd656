//! One controller for several interfaces that come and go.
//!
//! [`plan`] says what there is to do, by what is wanted and what is there; [`aside`] what
//! is left alone for now. Each interface in charge has a guard ([`crate::controller`]) and a
//! task of its own ([`ward`]), so that what befalls one does not end the others.

mod aside;
mod dependence;
mod enlist;
mod orphans;
mod plan;
mod tell;
mod ward;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};
use tracing::{error, info, warn};

use crate::config::{File, INTERFACES, Resolved, Source};
use crate::controller::{Ending, Guard, News};
use crate::dataplane::{self, Lock, Pins};
use crate::error::Context as _;
use crate::interface::{Interface, Links, Network, Pattern};
use crate::{Error, Result, events, log, service, telling};

use aside::Aside;
use dependence::Dependence;
use enlist::{Attempt, Means, Tried};
use orphans::Orphans;
use plan::{Gone, MOST, Wanted, gone_for_good};
use ward::{Ended, Order, Ward};

/// What the one who started the controller wants of it.
#[derive(Clone)]
pub struct Wishes {
    /// Becomes true when it is to end.
    pub stop: watch::Receiver<bool>,
    /// Changes when the settings are to be read anew.
    pub reload: watch::Receiver<u64>,
}

/// The interfaces that one controller is in charge of, and those that it waits for.
pub struct Fleet {
    source: Source,
    /// As last read without a fault.
    file: Option<File>,
    /// Whether the command line says what is wanted, and not the file.
    named: bool,
    wanted: Wanted,
    network: Network,
    links: watch::Receiver<Arc<Links>>,
    dependence: Dependence,
    /// By interface.
    wards: BTreeMap<String, Ward>,
    tasks: JoinSet<Ended>,
    /// Whose guard works in which task.
    workers: HashMap<task::Id, String>,
    /// The one that is being attached; one after the other, as each takes a processor.
    attempts: JoinSet<Tried>,
    /// The one that is attempted.
    attempted: Option<Interface>,
    /// Names that no interface has so far; none where another controller waits for it.
    absent: BTreeMap<String, Option<Lock>>,
    aside: Aside,
    orphans: Orphans,
    /// Tells the guards to read their settings anew.
    reload: watch::Sender<u64>,
    /// Whether the interfaces that are there have been seen to.
    ready: bool,
    /// Whether guards are to reload once that is so.
    to_reload: bool,
    stopping: bool,
    /// Whether more interfaces are meant than may be attached, as last said.
    too_many: bool,
    /// What the service manager was last told.
    told: String,
    /// What went wrong, by interface, and was not put right since.
    errors: BTreeMap<String, Error>,
}

impl Fleet {
    /// Attaches the interfaces that the command line names: all of them, or none. Within a
    /// tokio runtime's `LocalSet`.
    ///
    /// # Errors
    ///
    /// What is in the way of one of them; [`Error::Usage`] where nobody says which.
    pub async fn start(names: &[String], source: Source, file: Option<File>) -> Result<Self> {
        let wanted = wanted(names, file.as_ref(), &source)?;
        let network = Network::open()?;
        let links = network.changes().await?;
        let orphans = Orphans::find(&wanted, &links.borrow());
        let mut fleet = Self {
            dependence: Dependence::new(&network).await?,
            orphans,
            source,
            file,
            named: !names.is_empty(),
            wanted,
            network,
            links,
            wards: BTreeMap::new(),
            tasks: JoinSet::new(),
            workers: HashMap::new(),
            attempts: JoinSet::new(),
            attempted: None,
            absent: BTreeMap::new(),
            aside: Aside::default(),
            reload: watch::channel(0).0,
            ready: false,
            to_reload: false,
            stopping: false,
            too_many: false,
            told: String::new(),
            errors: BTreeMap::new(),
        };
        if fleet.named {
            fleet.attach_the_named().await?;
        }
        Ok(fleet)
    }

    /// Works until it is told to end, or nothing is left to do: then it gives what went
    /// wrong with each interface.
    pub async fn run(mut self, wishes: Wishes) -> Vec<Error> {
        let Wishes {
            mut stop,
            mut reload,
        } = wishes;
        loop {
            let idle = |fleet: &Self| fleet.attempts.is_empty() && !fleet.stopping;
            while idle(&self) && self.attach_next() {}
            if idle(&self) {
                self.settle();
            }
            if self.is_over() {
                break;
            }
            tokio::select! {
                // An error means that the signal task is gone, which is a stop too.
                _ = stop.wait_for(|stop| *stop), if !self.stopping => self.stop(),
                Some(ended) = self.tasks.join_next_with_id() => self.note(ended),
                Some(tried) = self.attempts.join_next() => self.take(tried),
                Ok(()) = reload.changed(), if !self.stopping => self.reload(),
                Ok(()) = self.links.changed(), if !self.stopping => self.look().await,
                // Nobody is left to tell anything.
                else => break,
            }
        }
        self.errors.into_values().collect()
    }

    async fn attach_the_named(&mut self) -> Result<()> {
        let mut named = Vec::new();
        for name in self.wanted.exact() {
            let resolved = self.source.resolve_with(self.file.as_ref(), Some(name))?;
            named.push((name.to_owned(), resolved));
        }
        for guard in self.means().attach_all(named).await? {
            self.take_charge(guard);
        }
        Ok(())
    }

    fn means(&self) -> Means<'_> {
        Means {
            source: &self.source,
            network: &self.network,
            depended_on: self.dependence.addresses(),
        }
    }

    /// The next interface to attach to.
    fn next(&self) -> Option<Interface> {
        let (links, now) = (self.links.borrow(), Instant::now());
        let is_taken = |interface: &Interface| {
            let runs = interface.xdp.map(|xdp| xdp.id);
            self.wards.contains_key(&interface.name)
                // It was renamed, and its filter is at work on it.
                || self.wards.values().any(|ward| Some(ward.program) == runs)
                || self.aside.holds(interface, now)
        };
        self.wanted.next(&links, is_taken).cloned()
    }

    /// Begins to attach to the next interface, if there is one.
    fn attach_next(&mut self) -> bool {
        let next = self.next();
        let too_many = next.as_ref().is_some_and(|next| {
            let in_charge = self.wards.keys();
            self.wanted.is_one_too_many(&next.name, in_charge)
        });
        if too_many && !self.too_many {
            warn!("globs mean more than {MOST} interfaces: the others are left alone");
        }
        self.too_many = too_many;
        let Some(interface) = next.filter(|_| !too_many) else {
            return false;
        };
        let name = &interface.name;
        // Waiting ends here, or the lock of the guard to come would end with it.
        self.absent.remove(name);
        let resolved = self.source.resolve_with(self.file.as_ref(), Some(name));
        match resolved.and_then(|resolved| {
            Attempt::new(interface.clone(), resolved, self.dependence.addresses())
        }) {
            Ok(attempt) => {
                if !self.ready {
                    service::attaching(name);
                }
                self.attempts.spawn_blocking(|| attempt.run());
                self.attempted = Some(interface);
            }
            Err(failure) => self.put_aside(&interface, failure),
        }
        true
    }

    /// Goes on with what was attached, or was not.
    fn take(&mut self, tried: Result<Tried, JoinError>) {
        let attempted = self.attempted.take();
        let tried = match tried.context("attaching to an interface") {
            Ok(tried) => tried,
            Err(failure) => {
                if let Some(interface) = attempted {
                    self.put_aside(&interface, failure);
                }
                return;
            }
        };
        let interface = tried.interface().clone();
        match self.means().guard(tried) {
            Ok(guard) => self.take_charge(guard),
            Err(failure) => self.put_aside(&interface, failure),
        }
        if self.stopping {
            self.order(&interface.name, Ending::Stopped);
        } else if !self.wanted.means(&interface.name) {
            self.order(&interface.name, Ending::Dismissed);
        }
    }

    fn take_charge(&mut self, guard: Guard) {
        let name = guard.interface().to_owned();
        let (ward, orders) = Ward::of(&guard);
        let news = News {
            reload: self.reload.subscribe(),
            links: self.links.clone(),
            depended_on: self.dependence.subscribe(),
        };
        self.aside.remove(&name);
        self.errors.remove(&name);
        let task = self.tasks.spawn_local(ward::work(guard, orders, news));
        self.workers.insert(task.id(), name.clone());
        self.wards.insert(name, ward);
    }

    fn put_aside(&mut self, interface: &Interface, failure: Error) {
        let (name, text) = (&interface.name, failure.to_string());
        if self.links.borrow().named(name).is_none() {
            // It was deleted meanwhile.
            return;
        }
        let is_news = self.aside.fail(interface, &text, Instant::now());
        // A filter that was just detached is gone in a moment.
        if !is_news || dataplane::is_going(interface) {
            return;
        }
        let is_named = self.wanted.names(name);
        if is_named && Pins::of(name).controller().is_none() {
            error!("{name}: not attached, and NOT filtered: {text}");
        } else {
            warn!("{name}: left alone: {text}");
        }
        if is_named && !self.ready {
            self.errors.insert(name.clone(), failure);
        }
    }

    /// All that is there was seen to.
    fn settle(&mut self) {
        if self.to_reload {
            self.to_reload = false;
            self.reload.send_modify(|count| *count += 1);
        }
        if !self.ready {
            self.wait_for_absent();
            self.ready = true;
            if self.can_do_nothing() {
                self.stopping = true;
                return;
            }
            // What failed is tried again.
            self.errors.clear();
            self.introduce();
        }
        self.tell();
    }

    /// Goes along with interfaces that came or went.
    async fn look(&mut self) {
        let links = Arc::clone(&self.links.borrow_and_update());
        self.aside.forget(&links);
        self.absent.retain(|name, _| links.named(name).is_none());
        if self.ready {
            self.wait_for_absent();
        }
        self.forget_the_gone(Instant::now());
        self.orphans.settle(&links);
        self.dependence.look(&self.network, &links).await;
        if !telling::refused().is_empty()
            && let Ok(general) = self.source.resolve_with(self.file.as_ref(), None)
        {
            telling::try_again(&general);
        }
        self.tell();
    }

    /// Has others see that these are waited for.
    fn wait_for_absent(&mut self) {
        let links = Arc::clone(&self.links.borrow());
        for name in self.wanted.absent(&links) {
            let is_attempted = |attempted: &Interface| attempted.name == name;
            if self.wards.contains_key(name)
                || self.absent.contains_key(name)
                || self.aside.is_taken_off(name)
                // Its lock is held already, and to let a second one go would end both.
                || self.attempted.as_ref().is_some_and(is_attempted)
            {
                continue;
            }
            log::watches(name);
            let lock = Pins::of(name).lock_controller();
            match &lock {
                Ok(_) => warn!("{name}: there is no such interface: waiting for it"),
                Err(error) => warn!("{name}: there is no such interface, and {error}"),
            }
            self.absent.insert(name.to_owned(), lock.ok());
        }
    }

    fn forget_the_gone(&mut self, now: Instant) {
        let gone = self.wards.iter().filter_map(|(name, ward)| {
            let since = ward.away.get().filter(|_| !self.wanted.names(name))?;
            let name = name.clone();
            Some(Gone { name, since })
        });
        for name in gone_for_good(gone.collect(), now) {
            self.order(&name, Ending::Forgotten);
        }
    }

    fn order(&self, name: &str, ending: Ending) {
        if let Some(ward) = self.wards.get(name) {
            ward.order.send_replace(Order::End(ending));
        }
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.absent.clear();
        for name in self.wards.keys() {
            self.order(name, Ending::Stopped);
        }
    }

    fn note(&mut self, ended: Result<(task::Id, Ended), JoinError>) {
        let (task, ended) = match ended {
            Ok((task, ended)) => (task, Ok(ended)),
            Err(failure) => (failure.id(), Err(failure)),
        };
        let Some(name) = self.workers.remove(&task) else {
            return;
        };
        self.wards.remove(&name);
        let ended = ended.context("watching an interface");
        let found = self.links.borrow().named(&name).cloned();
        let by_order = [Ending::Stopped, Ending::Dismissed, Ending::Forgotten];
        match ended {
            Ok(Ended {
                ending: Some(ending),
                failure,
            }) => {
                if !by_order.contains(&ending) {
                    let index = found.map(|found| found.index);
                    self.aside.take_off(&name, index, Instant::now());
                }
                self.errors.extend(failure.map(|failure| (name, failure)));
            }
            // Its filter goes on without it: somebody has to watch over it again.
            Ok(Ended {
                ending: None,
                failure: Some(failure),
            })
            | Err(failure) => {
                error!("{name}: {failure}");
                if let Some(found) = found {
                    self.aside
                        .fail(&found, &failure.to_string(), Instant::now());
                }
                self.errors.insert(name, failure);
            }
            Ok(_) => {}
        }
        self.tell();
    }

    /// Reads which interfaces are wanted; the guards read the rest, and say what is wrong
    /// with the file.
    fn reload(&mut self) {
        self.to_reload = true;
        events::reopen();
        let file = match self.source.read() {
            Ok(file) => file,
            Err(wrong) => {
                if self.wards.is_empty() {
                    error!("not reloaded, the settings stay as they were: {wrong}");
                }
                return;
            }
        };
        match self.source.resolve_with(file.as_ref(), None) {
            Ok(general) => tell_otherwise(&general),
            Err(wrong) => {
                error!("not reloaded, the settings stay as they were: {wrong}");
                return;
            }
        }
        self.aside.try_again();
        if !self.named {
            match wanted(&[], file.as_ref(), &self.source) {
                Ok(wanted) => self.adopt(wanted),
                Err(wrong) => error!("{INTERFACES} stays {}: {wrong}", self.wanted),
            }
        }
        self.file = file;
    }

    fn adopt(&mut self, wanted: Wanted) {
        if wanted == self.wanted {
            return;
        }
        info!("{INTERFACES}: {wanted} from now on, it was {}", self.wanted);
        self.wanted = wanted;
        for name in self.wards.keys() {
            if !self.wanted.means(name) {
                self.order(name, Ending::Dismissed);
            }
        }
        let wanted = &self.wanted;
        self.absent.retain(|name, _| wanted.names(name));
        self.aside.retain(|name| wanted.means(name));
        self.wait_for_absent();
    }

    /// Whether nothing is in charge, and nothing is to come.
    fn is_over(&self) -> bool {
        let asked_for_nothing = || {
            let mut exact = self.wanted.exact();
            self.wanted.globs().next().is_none() && exact.all(|name| self.aside.is_taken_off(name))
        };
        let nothing_under_way = self.wards.is_empty() && self.attempts.is_empty();
        nothing_under_way && (self.stopping || self.ready && asked_for_nothing())
    }

    /// Whether each interface is there, and none could be attached.
    fn can_do_nothing(&self) -> bool {
        self.wards.is_empty() && self.absent.is_empty() && self.wanted.globs().next().is_none()
    }
}

/// What is of the whole controller, whether it is in charge of an interface or not.
fn tell_otherwise(general: &Resolved) {
    telling::adopt(&general.telling);
    if let Err(failure) = log::set_level(general.log_level) {
        warn!("{failure}");
    }
}

/// What is wanted by the command line, or else by the file.
fn wanted(names: &[String], file: Option<&File>, source: &Source) -> Result<Wanted> {
    if !names.is_empty() {
        let mut patterns: Vec<_> = Vec::new();
        for pattern in names.iter().map(|name| Pattern::new(name)) {
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        return Ok(Wanted(patterns));
    }
    let said = file.and_then(|file| file.wanted.as_ref());
    let patterns = said.map(|wanted| wanted.patterns.clone());
    let patterns = patterns.filter(|patterns| !patterns.is_empty());
    patterns.map(Wanted).ok_or_else(|| {
        Error::Usage(format!(
            "which interface? `synguard attach eth0`, or {INTERFACES} = [\"eth0\"] in {}; \
             `synguard doctor` says which one",
            source.path().display()
        ))
    })
}
