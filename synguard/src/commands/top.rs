//! `synguard top`: the edge of the live view, where time passes, keys come in and maps
//! are read.
//!
//! No map is held between two readings, so that a filter that is detached meanwhile goes
//! at once.

use std::collections::HashMap;
use std::env;
use std::thread;
use std::time::{Duration, SystemTime};

use ratatui::crossterm::event;
use synguard_common::abi::action;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{edit, status as status_command, targets};
use crate::Result;
use crate::cli::{Allow, Block, Edit, Top};
use crate::dataplane::{Maps, Pins, attached_interfaces};
use crate::error::Context as _;
use crate::interface::Network;
use crate::rules;
use crate::status::{self, Identity, Report, Sample};
use crate::top::view::{self, Look};
use crate::top::{App, Effect, Event, Order, Pace, Screen, Verb};

/// Between two readings of the counters.
const SECOND: Duration = Duration::from_secs(1);
/// Before the first rates: so long that they mean something.
const FIRST: Duration = Duration::from_millis(250);
/// How many sources are read, to be sorted and filtered.
const SOURCES: usize = 200;

pub(super) async fn run(args: &Top) -> Result<()> {
    Screen::check()?;
    let all = targets::attached(args.interface.as_deref())?;
    // Before the terminal is taken, so that what fails is said on it.
    for pins in &all {
        Maps::open(pins)?;
    }
    let read_only = all.iter().find_map(|pins| pins.try_lock_rules().err());
    let names = all.iter().map(|pins| pins.interface().to_owned()).collect();
    let app = App::new(
        names,
        read_only.map(|error| error.to_string()),
        SystemTime::now(),
    );
    let look = Look::of(|name| env::var(name).ok());
    Live::new(app, look, args.interface.is_none())?.run().await
}

/// A view that runs.
struct Live {
    app: App,
    look: Look,
    network: Network,
    /// Whether interfaces that are attached later are to be shown, too.
    meets: bool,
    opened: Instant,
    samples: HashMap<String, Sample>,
    rules: Pace,
    sources: Pace,
    events: UnboundedReceiver<Event>,
    /// For threads that read and act.
    tell: UnboundedSender<Event>,
}

/// The signals that end a program, and the one that lets it go on.
struct Signals {
    ends: [Signal; 4],
    goes_on: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        let hear = |kind| signal(kind).context("listening to signals");
        Ok(Self {
            ends: [
                hear(SignalKind::interrupt())?,
                hear(SignalKind::terminate())?,
                hear(SignalKind::hangup())?,
                hear(SignalKind::quit())?,
            ],
            goes_on: hear(SignalKind::from_raw(libc::SIGCONT))?,
        })
    }

    /// Whether it is the end.
    async fn next(&mut self) -> bool {
        let [interrupt, terminate, hangup, quit] = &mut self.ends;
        tokio::select! {
            _ = interrupt.recv() => true,
            _ = terminate.recv() => true,
            _ = hangup.recv() => true,
            _ = quit.recv() => true,
            _ = self.goes_on.recv() => false,
        }
    }
}

impl Live {
    fn new(app: App, look: Look, meets: bool) -> Result<Self> {
        let (tell, events) = unbounded_channel();
        Ok(Self {
            app,
            look,
            network: Network::open()?,
            meets,
            opened: Instant::now(),
            samples: HashMap::new(),
            rules: Pace::default(),
            sources: Pace::default(),
            events,
            tell,
        })
    }

    async fn run(mut self) -> Result<()> {
        let mut signals = Signals::listen()?;
        let mut screen = Screen::enter()?;
        listen_to_keys(self.tell.clone());
        self.tick().await;
        let mut seconds = every_second();
        loop {
            screen.draw(|frame| view::draw(&mut self.app, &self.look, frame))?;
            let effect = tokio::select! {
                ends = signals.next() => {
                    if ends {
                        return Ok(());
                    }
                    screen.again()?;
                    None
                }
                _ = seconds.tick() => {
                    self.tick().await;
                    None
                }
                Some(event) = self.events.recv() => self.take(event),
            };
            match effect {
                Some(Effect::Quit) => return Ok(()),
                Some(Effect::Suspend) => screen.suspend()?,
                Some(effect) => self.cause(effect),
                None => {}
            }
        }
    }

    fn now(&self) -> Duration {
        self.opened.elapsed()
    }

    fn take(&mut self, event: Event) -> Option<Effect> {
        let now = self.now();
        match event {
            Event::Rules(..) => self.rules.ended(now),
            Event::Sources(..) => self.sources.ended(now),
            _ => {}
        }
        self.app.handle(event)
    }

    /// A second went by.
    async fn tick(&mut self) {
        self.app.handle(Event::Tick(self.now(), SystemTime::now()));
        if self.app.paused {
            return;
        }
        if self.meets
            && let Ok(names) = attached_interfaces()
        {
            self.app.handle(Event::Attached(names));
        }
        let names: Vec<_> = self
            .app
            .faces
            .iter()
            .map(|face| face.name.clone())
            .collect();
        for name in names {
            match self.state(&name).await {
                Ok(None) => {}
                Ok(Some(report)) => {
                    self.app.handle(Event::State(name, Ok(Box::new(report))));
                }
                Err(error) => {
                    self.samples.remove(&name);
                    self.app.handle(Event::State(name, Err(error.to_string())));
                }
            }
        }
        self.read_what_is_due();
    }

    /// An interface's state, without rules and sources; none where there is no earlier
    /// sample to take rates from.
    async fn state(&mut self, name: &str) -> Result<Option<Report>> {
        let pins = Pins::of(name);
        let maps = Maps::open(&pins)?;
        let sample = Sample::take(&maps)?;
        let holder = status_command::holder(&pins, &maps, &self.network).await?;
        let before = self.samples.remove(name);
        let report = before.map(|before| {
            let (rules, sources) = (Default::default(), Default::default());
            Report::new(&pins, &maps, holder, (&before, &sample), rules, sources)
        });
        self.samples.insert(name.to_owned(), sample);
        report.transpose()
    }

    /// Rules and sources of the interface that is shown, on threads of their own: there may
    /// be millions.
    fn read_what_is_due(&mut self) {
        let now = self.now();
        let name = self.app.face().name.clone();
        if self.rules.begins(now) {
            let (name, tell) = (name.clone(), self.tell.clone());
            on_thread(move || {
                let rules =
                    Maps::open(&Pins::of(&name)).and_then(|maps| status::rules(&maps, None));
                // Why not, its state says.
                let _ = tell.send(Event::Rules(
                    name,
                    rules.map_or_else(|_| Vec::new(), |(rules, _)| rules),
                ));
            });
        }
        if self.sources.begins(now) {
            let tell = self.tell.clone();
            on_thread(move || {
                let maps = Maps::open(&Pins::of(&name));
                let read = maps.and_then(|maps| status::sources(&maps, SOURCES));
                let (sources, tracked) = read.unwrap_or_default();
                let _ = tell.send(Event::Sources(name, sources, tracked));
            });
        }
    }

    fn cause(&mut self, effect: Effect) {
        match effect {
            Effect::Check(order) => {
                let outcome = check(&order).map_err(|error| error.to_string());
                self.app.handle(Event::Checked(order, outcome));
            }
            // It may have to wait for another command's lock.
            Effect::Carry(order) => {
                let tell = self.tell.clone();
                on_thread(move || {
                    let done = carry(&order).map_err(|error| error.to_string());
                    let _ = tell.send(Event::Done(done));
                });
            }
            Effect::Reread => {
                self.rules.hurry();
                self.sources.hurry();
                self.read_what_is_due();
            }
            Effect::Quit | Effect::Suspend => {}
        }
    }
}

/// The process does not wait for these threads when it ends.
fn on_thread(work: impl FnOnce() + Send + 'static) {
    thread::spawn(work);
}

fn every_second() -> Interval {
    let mut seconds = interval_at(Instant::now() + FIRST, SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    seconds
}

/// Whatever the terminal sends: keys, and that it has another size, which has the picture
/// drawn anew as any event does. A terminal that is gone signals that, too.
fn listen_to_keys(tell: UnboundedSender<Event>) {
    on_thread(move || {
        while let Ok(event) = event::read() {
            let told = match event {
                event::Event::Key(key) => tell.send(Event::Key(key)),
                event::Event::Resize(..) => tell.send(Event::Resized),
                _ => Ok(()),
            };
            if told.is_err() {
                return;
            }
        }
    });
}

/// Whether the command would refuse it.
fn check(order: &Order) -> Result<()> {
    let maps = Maps::open(&Pins::of(&order.interface))?;
    match order.verb {
        Verb::Block => edit::check_block(&whom(order), &maps, maps.clock()?.now()),
        Verb::Allow => edit::check_allow(&allow(order), &maps),
        Verb::Unblock | Verb::Disallow => check_rule(order, &maps, maps.clock()?.now()),
    }
}

/// Whether the rule that is to end is the one that the person saw.
fn check_rule(order: &Order, maps: &Maps, now: u64) -> Result<()> {
    let present = maps.rule(&order.net)?.filter(|rule| rule.active(now));
    order.check_rule(present.as_ref().map(Identity::of))
}

/// As `unblock` and `disallow`, of that rule alone: another may have come while the
/// question stood.
fn end(order: &Order, action: u8, tell: &mut dyn FnMut(&str)) -> Result<()> {
    for target in &mut targets::locked(Some(&order.interface))? {
        check_rule(order, &target.maps, target.now)?;
        let said = rules::remove(&mut target.maps, &order.net, action, target.now)?;
        tell(&target.about(&said));
    }
    Ok(())
}

/// Does what the command would do, and says what it would say.
fn carry(order: &Order) -> Result<Vec<String>> {
    let mut said = Vec::new();
    let mut tell = |text: &str| said.push(text.to_owned());
    match order.verb {
        Verb::Block => edit::block(
            &Block {
                edit: whom(order),
                lasting: order.lasting,
                scope: order.scope,
            },
            &mut tell,
        ),
        Verb::Allow => edit::allow(&allow(order), &mut tell),
        Verb::Unblock => end(order, action::BLOCK, &mut tell),
        Verb::Disallow => end(order, action::ALLOW, &mut tell),
    }?;
    Ok(said)
}

fn whom(order: &Order) -> Edit {
    Edit {
        net: order.net,
        iface: Some(order.interface.clone()),
    }
}

fn allow(order: &Order) -> Allow {
    Allow {
        edit: whom(order),
        lasting: order.lasting,
    }
}
