//! `synguard top` in a real terminal, as somebody sees it at night.

use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use rustix::mount::{MountFlags, mount_bind, mount_remount};
use rustix::process::Signal;
use synguard::dataplane::{Maps, Pins};
use synguard::top::Screen;
use synguard_common::abi::SourceRecord;
use synguard_common::source::Address;
use synguard_tests::address::{VICTIMS, client};
use synguard_tests::knock::knock;
use synguard_tests::lab::Lab;
use synguard_tests::sender::Sender;
use synguard_tests::synguard::Synguard;
use synguard_tests::tmux::Tmux;
use synguard_tests::wait;

use crate::support::{
    bans, ensure_untouched, rules, seed_plan, wait_for_bans, wait_for_more_drops,
};

const USUAL: (u16, u16) = (80, 24);
/// What the shell says when the program before has ended well.
const ENDED: &str = "ended with 0";

/// A terminal in which `top` runs, and says so when it has ended.
fn open(lab: &Lab, before: &str) -> Result<Tmux> {
    let terminal = Tmux::start(&lab.topology.host, &lab.synguard, USUAL)?;
    terminal.type_line(&format!(
        "{before} {}; echo ended with $?",
        top(&lab.synguard)
    ))?;
    terminal.wait_for("? help")?;
    Ok(terminal)
}

fn top(synguard: &Synguard) -> String {
    format!("{} top {}", synguard.binary().display(), synguard.uplink)
}

/// The line about a source, once it has all of these words.
fn wait_for_line(terminal: &Tmux, source: &str, words: &[&str]) -> Result<String> {
    let line = |screen: &str| {
        let about = |line: &&str| line.get(2..).is_some_and(|line| line.starts_with(source));
        let line = screen.lines().find(about)?;
        words
            .iter()
            .all(|word| line.contains(word))
            .then(|| line.to_owned())
    };
    let what = format!("{source} with {words:?}");
    let screen = terminal.wait_until(&what, |screen| line(screen).is_some())?;
    line(&screen).context("no line")
}

/// Leaves one line, which is then selected.
fn filter(terminal: &Tmux, source: &str) -> Result<()> {
    terminal.write(&format!("/{source}"))?;
    terminal.press(&["Enter"])?;
    terminal.wait_for(&format!("> {source} "))?;
    Ok(())
}

fn unfilter(terminal: &Tmux, others: &str) -> Result<()> {
    terminal.press(&["Escape"])?;
    terminal.wait_for(others)?;
    Ok(())
}

#[test]
fn a_flood_is_seen_and_dealt_with() -> Result<()> {
    let lab = Lab::new()?;
    let synguard = &lab.synguard;
    let controller = synguard.attach(&[])?;
    let flood = Sender::start(&lab.topology, &seed_plan(1_000, 400_000))?;
    wait_for_bans(synguard, &controller)?;
    let terminal = open(&lab, "")?;
    for victim in VICTIMS {
        let line = wait_for_line(&terminal, &victim.to_string(), &["banned", "reflection"])?;
        ensure!(line.contains("9m ") || line.contains("10m "), "{line}");
    }
    terminal.wait_until("the flood's rate", |screen| rate(screen, "dropped") > 500)?;
    sort_and_filter(&terminal)?;
    pause(&terminal, synguard)?;
    ban_and_allow(&terminal, &lab)?;
    for size in [(200, 50), USUAL] {
        terminal.resize(size)?;
        let last = usize::from(size.1) - 1;
        terminal.wait_until("the keys in the last line", |screen| {
            screen
                .lines()
                .nth(last)
                .is_some_and(|line| line.contains("? help"))
        })?;
    }
    terminal.write("q")?;
    terminal.wait_for(ENDED)?;
    flood.stop()?;
    controller.terminate()?;
    Ok(())
}

/// The present figure of a chart.
fn rate(screen: &str, name: &str) -> u64 {
    let mut lines = screen.lines();
    let words = lines.find_map(|line| line.strip_prefix(name));
    let figure = words.and_then(|words| words.split_once("/s"));
    figure
        .and_then(|(figure, _)| figure.trim().parse().ok())
        .unwrap_or(0)
}

fn sort_and_filter(terminal: &Tmux) -> Result<()> {
    let [first, second] = VICTIMS.map(|victim| victim.to_string());
    terminal.write("s")?;
    terminal.wait_for("HANDSHAKE*")?;
    terminal.write("ssss")?;
    terminal.wait_for("SYN/S*")?;
    terminal.write(&format!("/{first}"))?;
    let screen = terminal.wait_until("one line", |screen| !screen.contains(&second))?;
    ensure!(screen.contains(&format!("filter: {first}")), "{screen}");
    terminal.press(&["Escape"])?;
    terminal.wait_for(&second)?;
    Ok(())
}

/// Packets are dropped, and the picture does not know.
fn pause(terminal: &Tmux, synguard: &Synguard) -> Result<()> {
    terminal.write("p")?;
    let before = terminal.wait_for("PAUSED")?;
    let list = |screen: &str| screen.lines().skip(1).collect::<String>();
    wait_for_more_drops(synguard, &synguard.status()?, 3_000)?;
    let after = terminal.screen()?;
    ensure!(list(&before) == list(&after), "{before}\n{after}");
    terminal.write("p")?;
    terminal.wait_until("an end of the pause", |screen| {
        !screen.contains("PAUSED") && list(screen) != list(&before)
    })?;
    Ok(())
}

fn ban_and_allow(terminal: &Tmux, lab: &Lab) -> Result<()> {
    let synguard = &lab.synguard;
    let (victim, other) = (VICTIMS[0].to_string(), VICTIMS[1].to_string());
    let visitor = client(0).to_string();
    knock(&lab.topology, 0, 3)?;
    wait_for_line(terminal, &visitor, &["client"])?;
    filter(terminal, &visitor)?;
    terminal.write("b")?;
    terminal.wait_for(&format!("synguard block {visitor} --for 1h --scope syn"))?;
    terminal.wait_for("y yes")?;
    // Not before it is known that it does no harm.
    terminal.wait_until("the check", |screen| !screen.contains("looking"))?;
    terminal.write("y")?;
    terminal.wait_for(&format!("blocked {visitor}"))?;
    wait_for_line(terminal, &visitor, &["blocked"])?;
    let status = synguard.status()?;
    ensure!(
        rules(&status, "block", "manual") == [visitor.clone()],
        "{status:#}"
    );
    terminal.write("u")?;
    terminal.wait_for("End the block")?;
    terminal.write("y")?;
    terminal.wait_for("no longer blocked")?;
    ensure!(rules(&synguard.status()?, "block", "manual").is_empty());
    unfilter(terminal, &other)?;

    filter(terminal, &victim)?;
    terminal.write("a")?;
    terminal.wait_for("Its ban ends")?;
    terminal.write("n")?;
    terminal.wait_for("nothing was changed")?;
    ensure!(bans(&synguard.status()?).contains(&victim));
    terminal.write("a")?;
    terminal.wait_for("Its ban ends")?;
    terminal.write("y")?;
    terminal.wait_for(&format!("allowed {victim}"))?;
    wait_for_line(terminal, &victim, &["allowed", "forever"])?;
    let status = synguard.status()?;
    ensure!(
        rules(&status, "allow", "manual") == [victim.clone()],
        "{status:#}"
    );
    ensure!(bans(&status) == [other.clone()], "{status:#}");
    // As `synguard block` refuses it.
    terminal.write("b")?;
    terminal.wait_for("REFUSED")?;
    terminal.write("yn")?;
    terminal.wait_for("nothing was changed")?;
    ensure!(rules(&synguard.status()?, "block", "manual").is_empty());
    unfilter(terminal, &other)
}

/// Has the shell say what the terminal is set to, after a word.
fn modes(terminal: &Tmux, word: &str) -> Result<String> {
    terminal.type_line(&format!("echo {word} $(stty -g | cksum)"))?;
    let word = format!("{word} ");
    let screen = terminal.wait_until("the modes", |screen| printed(screen, &word).is_some())?;
    printed(&screen, &word).context("no modes")
}

/// What the shell printed after a word, and not the line that had it printed. The two are
/// one where that was typed before the shell was ready.
fn printed(screen: &str, word: &str) -> Option<String> {
    let mut after = screen.split(word).skip(1);
    let printed = after.find(|text| text.starts_with(|first: char| first.is_ascii_digit()))?;
    printed.lines().next().map(str::to_owned)
}

/// Runs `end` in a terminal with `top`, and compares what the terminal is like before and
/// after.
fn gives_back(lab: &Lab, end: impl FnOnce(&Tmux) -> Result<()>) -> Result<()> {
    let terminal = Tmux::start(&lab.topology.host, &lab.synguard, USUAL)?;
    let before = modes(&terminal, "before")?;
    terminal.type_line(&format!("{}; echo ended with $?", top(&lab.synguard)))?;
    terminal.wait_for("? help")?;
    ensure!(terminal.alternate_and_cursor()? == (true, false));
    end(&terminal)?;
    terminal.wait_for(ENDED)?;
    ensure!(terminal.alternate_and_cursor()? == (false, true));
    let after = modes(&terminal, "after")?;
    ensure!(before == after, "{before} before, {after} after");
    Ok(())
}

#[test]
fn the_terminal_is_given_back_on_any_way_out() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    for key in ["q", "Escape", "C-c"] {
        gives_back(&lab, |terminal| terminal.press(&[key])).context(key)?;
    }
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        gives_back(&lab, |terminal| terminal.signal(signal)).context(format!("{signal:?}"))?;
    }
    controller.terminate()?;
    Ok(())
}

#[test]
fn it_stops_and_goes_on_as_the_shell_wants() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    let terminal = Tmux::start(&lab.topology.host, &lab.synguard, USUAL)?;
    terminal.type_line(&top(&lab.synguard))?;
    terminal.wait_for("? help")?;
    terminal.press(&["C-z"])?;
    terminal.wait_for("Stopped")?;
    ensure!(terminal.alternate_and_cursor()? == (false, true));
    terminal.type_line("echo $((6*7)) in between")?;
    terminal.wait_for("42 in between")?;
    terminal.type_line("fg; echo ended with $?")?;
    terminal.wait_for("? help")?;
    terminal.wait_for("filtering")?;
    ensure!(terminal.alternate_and_cursor()? == (true, false));
    terminal.press(&["q"])?;
    terminal.wait_for(ENDED)?;
    ensure!(terminal.alternate_and_cursor()? == (false, true));
    controller.terminate()?;
    Ok(())
}

/// Set in the terminal of [`a_panic_gives_the_terminal_back`], where the same case is the
/// one that panics.
const PANICS: &str = "SYNGUARD_TEST_PANICS";

fn panic_on_the_screen() -> Result<()> {
    let mut screen = Screen::enter()?;
    screen.draw(|_| panic!("on purpose"))?;
    Ok(())
}

#[test]
fn a_panic_gives_the_terminal_back() -> Result<()> {
    if env::var_os(PANICS).is_some() {
        return panic_on_the_screen();
    }
    let lab = Lab::without_services()?;
    let terminal = Tmux::start(&lab.topology.host, &lab.synguard, USUAL)?;
    let myself = env::current_exe()?;
    let before = modes(&terminal, "before")?;
    terminal.type_line(&format!(
        "{PANICS}=1 {} --exact top::a_panic_gives_the_terminal_back --nocapture; \
         echo ended with $?",
        myself.display()
    ))?;
    let screen = terminal.wait_for("ended with 101")?;
    ensure!(screen.contains("on purpose"), "{screen}");
    ensure!(terminal.alternate_and_cursor()? == (false, true));
    let after = modes(&terminal, "after")?;
    ensure!(before == after, "{before} before, {after} after");
    Ok(())
}

/// No map that it holds keeps the filter on the interface.
#[test]
fn a_filter_that_goes_is_missed_and_met_again() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    let terminal = open(&lab, "")?;
    terminal.wait_for("| filtering |")?;
    controller.terminate()?;
    terminal.wait_for(&format!(
        "NOT READ: {} is not attached",
        lab.synguard.uplink
    ))?;
    ensure_untouched(&lab)?;
    let controller = lab.synguard.attach(&["--dry-run"])?;
    terminal.wait_for("| DRY RUN |")?;
    controller.kill()?;
    terminal.wait_for("| NO CONTROLLER |")?;
    lab.synguard.succeed(&["panic"])?;
    terminal.wait_for("| PANIC |")?;
    terminal.write("q")?;
    terminal.wait_for(ENDED)?;
    Ok(())
}

#[test]
fn it_makes_do_with_what_the_terminal_can() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    let flood = Sender::start(&lab.topology, &seed_plan(1_000, 100_000))?;
    wait_for_bans(&lab.synguard, &controller)?;
    let terminal = open(&lab, "LC_ALL=C NO_COLOR=1")?;
    let bars = |screen: &str| {
        screen
            .lines()
            .any(|line| line.starts_with("SYNs ") && line.ends_with('#'))
    };
    let screen = terminal.wait_until("bars", bars)?;
    ensure!(screen.is_ascii(), "{screen}");
    terminal.resize((40, 10))?;
    terminal.wait_for("Make it larger")?;
    terminal.resize(USUAL)?;
    terminal.wait_for("? help")?;
    terminal.write("q")?;
    terminal.wait_for(ENDED)?;
    flood.stop()?;
    controller.terminate()?;
    Ok(())
}

#[test]
fn who_cannot_write_can_watch() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&[])?;
    lab.synguard.succeed(&["block", "192.0.2.99"])?;
    let read_only = || {
        mount_bind("/run", "/run")?;
        mount_remount("/run", MountFlags::RDONLY | MountFlags::BIND, "")
    };
    lab.synguard.mounts.inside(read_only)??;
    let terminal = open(&lab, "")?;
    terminal.wait_for("| read-only |")?;
    filter(&terminal, "192.0.2.99")?;
    terminal.write("u")?;
    terminal.wait_for("! read-only: ")?;
    terminal.write("q")?;
    terminal.press(&["Escape"])?;
    terminal.wait_for(ENDED)?;
    controller.terminate()?;
    Ok(())
}

#[test]
fn what_is_no_terminal_is_told_where_to_go() -> Result<()> {
    let lab = Lab::without_services()?;
    let outcome = lab.synguard.run(&["top"])?;
    ensure!(
        outcome.code == Some(2) && outcome.stdout.is_empty(),
        "{outcome:?}"
    );
    ensure!(
        outcome.stderr.contains("`synguard status --json`"),
        "{outcome:?}"
    );
    let terminal = Tmux::start(&lab.topology.host, &lab.synguard, USUAL)?;
    terminal.type_line(&format!(
        "TERM=dumb {}; echo ended with $?",
        top(&lab.synguard)
    ))?;
    let screen = terminal.wait_for("ended with 2")?;
    ensure!(screen.contains("TERM names none"), "{screen}");
    terminal.type_line(&format!("{}; echo ended with $?", top(&lab.synguard)))?;
    terminal.wait_for("ended with 3")?;
    terminal.wait_for("is not attached")?;
    Ok(())
}

const SOURCES: u32 = 1_000_000;
/// Of a core. Readings of what there are millions of are to take a twentieth each; machines
/// that test may be slow and busy.
const SHARE: f64 = 0.3;

#[test]
fn a_million_sources_do_not_keep_it_busy() -> Result<()> {
    let lab = Lab::without_services()?;
    let controller = lab.synguard.attach(&["--max-sources", "1500000"])?;
    let pins = Pins::of(&lab.synguard.uplink);
    let fill = || Maps::open(&pins)?.set_sources(&many());
    lab.synguard.mounts.inside(fill)??;
    let begun = Instant::now();
    let terminal = open(&lab, "")?;
    terminal.wait_until("all sources", |screen| known(screen) > SOURCES * 9 / 10)?;
    let top = terminal.child()?;
    // The first reading of the sources counts, too.
    // The time left of nobody tells, so the clock does.
    wait::until_true("some readings", wait::GENEROUS, || {
        begun.elapsed() > Duration::from_secs(20)
    })?;
    let share = cpu_time(top)? / begun.elapsed().as_secs_f64();
    eprintln!("{:.1} % of a core, with {SOURCES} sources", share * 100.0);
    ensure!(share < SHARE, "{share} of a core");
    terminal.write("q")?;
    terminal.wait_for(ENDED)?;
    controller.terminate()?;
    Ok(())
}

fn known(screen: &str) -> u32 {
    let line = screen
        .lines()
        .find_map(|line| line.split_once(" sources are known"));
    let figure = line.and_then(|(line, _)| line.rsplit(' ').next());
    figure.and_then(|figure| figure.parse().ok()).unwrap_or(0)
}

fn many() -> Vec<(Address, SourceRecord)> {
    let record = SourceRecord {
        syns: 3,
        ..SourceRecord::default()
    };
    (0..SOURCES)
        .map(|number| (Address::v4(number.to_be()), record))
        .collect()
}

/// In seconds (proc_pid_stat(5): 14 and 15).
fn cpu_time(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no stat")?;
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u32 = ticks.map(str::parse::<u32>).sum::<Result<_, _>>()?;
    Ok(f64::from(ticks) / rustix::param::clock_ticks_per_second() as f64)
}
