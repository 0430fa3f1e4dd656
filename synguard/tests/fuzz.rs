//! Captures mutated at random: nothing may panic, run on for ever, or contradict itself.
//!
//! The usual fuzzers are out of reach of a stock machine: libFuzzer's and its kin need a
//! nightly compiler, AFL and honggfuzz build C tools of their own against the compiler's
//! LLVM. bolero without one of them draws bytes blindly. This one starts from a corpus
//! in the repository and keeps each input that shows new behaviour, by what can be seen
//! from outside: the damage that is named and the reasons that packets are counted under.
//! It runs unoptimized, so that sums that overflow are panics.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use synguard::pcap::Reader;
use synguard::replay::Replay;
use synguard::settings::{DEFAULT, Settings};
use synguard_common::packet::Segment;

/// How long to go on, in seconds.
const SECONDS: &str = "SYNGUARD_FUZZ_SECONDS";
/// A folder for inputs that show new behaviour: add them to the corpus.
const KEEP: &str = "SYNGUARD_FUZZ_KEEP";
/// No input takes so long, on any machine.
const ENDLESS: Duration = Duration::from_secs(120);
const USUALLY: u64 = 10;
/// What even the slowest machine does in that time.
const LEAST: u64 = 500;
/// A replay is fed with so many inputs, one after the other.
const FED: u64 = 200;

fn corpus() -> Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/captures");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    paths
        .into_iter()
        .map(|path| fs::read(&path).with_context(|| path.display().to_string()))
        .collect()
}

#[test]
fn no_capture_breaks_the_reader_the_parser_or_the_replay() -> Result<()> {
    let seconds = match env::var(SECONDS) {
        Ok(seconds) => seconds.parse().context(SECONDS)?,
        Err(_) => USUALLY,
    };
    let mut pool = corpus()?;
    ensure!(pool.len() > 10, "no corpus");
    let keep = env::var_os(KEEP).map(PathBuf::from);
    let watch = Watch::begin();
    let mut chance = Chance(seed()?);
    let mut behaviours = HashSet::new();
    let mut replay = small();
    for input in &pool {
        behaviours.extend(watch.over(input, || try_out(&mut replay, input))?);
    }
    let known = behaviours.len();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tried = 0_u64;
    while Instant::now() < end {
        if tried.is_multiple_of(FED) {
            replay = small();
        }
        let input = mutated(&pool, &mut chance);
        let shown = watch.over(&input, || try_out(&mut replay, &input))?;
        if shown.iter().any(|one| !behaviours.contains(one)) {
            behaviours.extend(shown);
            if let Some(folder) = &keep {
                fs::write(folder.join(format!("found-{tried}.pcap")), &input)?;
            }
            pool.push(input);
        }
        tried += 1;
    }
    println!(
        "{tried} inputs, {known} behaviours at first and {} in all",
        behaviours.len()
    );
    ensure!(tried > LEAST, "{tried} inputs only");
    ensure!(behaviours.len() > known, "mutations show nothing new");
    Ok(())
}

/// A replay whose tables are soon full.
fn small() -> Replay {
    Replay::new(Settings {
        max_sources: 1024,
        syn_rate: 2,
        ..DEFAULT
    })
}

/// Reads an input, and gives what could be seen. Keeps the input where it breaks
/// something.
fn try_out(replay: &mut Replay, input: &[u8]) -> Result<HashSet<String>> {
    let outcome = catch_unwind(AssertUnwindSafe(|| read(replay, input)));
    let why = match outcome {
        Ok(Ok(shown)) => return Ok(shown),
        Ok(Err(error)) => format!("{error:#}"),
        Err(_) => "a panic".to_owned(),
    };
    bail!("{why}: {}", kept(input)?)
}

/// Keeps an input that breaks something, and says what to do with it.
fn kept(input: &[u8]) -> Result<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("synguard-fuzz-{}.pcap", process::id()));
    fs::write(&path, input)?;
    Ok(format!("add {} to tests/corpus/captures", path.display()))
}

/// Ends the process where an input takes for ever.
struct Watch(Arc<Mutex<Present>>);

/// The input that is tried, and since when.
type Present = Option<(Vec<u8>, Instant)>;

impl Watch {
    fn begin() -> Self {
        let present = Arc::new(Mutex::new(Present::None));
        let watched = Arc::clone(&present);
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_secs(1));
                let present = watched.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((input, since)) = &*present
                    && since.elapsed() > ENDLESS
                {
                    eprintln!("an input takes for ever: {:?}", kept(input));
                    process::abort();
                }
            }
        });
        Self(present)
    }

    fn over<T>(&self, input: &[u8], work: impl FnOnce() -> T) -> T {
        let present = Some((input.to_vec(), Instant::now()));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = present;
        let done = work();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        done
    }
}

fn read(replay: &mut Replay, input: &[u8]) -> Result<HashSet<String>> {
    let mut shown = HashSet::new();
    let mut reader = match Reader::open(input) {
        Ok(reader) => reader,
        Err(error) => return Ok(HashSet::from([without_digits(&error.to_string())])),
    };
    let len = input.len() as u64;
    let damage = loop {
        match reader.read() {
            Ok(Some(frame)) => {
                ensure!(
                    frame.data.len() < input.len(),
                    "a packet longer than its file"
                );
                let packet = frame.packet();
                shown.insert(match packet.segment {
                    Segment::Opaque(reason) | Segment::Other(reason) => reason.label().to_owned(),
                    Segment::Syn(_) => "syn".to_owned(),
                });
                shown.insert(format!("{} {:?}", frame.link, frame.direction));
                replay.feed(&frame, None)?;
            }
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        }
        ensure!(reader.packets() <= len, "more packets than bytes");
    };
    let offset = reader.offset();
    ensure!(offset <= len, "read beyond the end");
    match damage {
        Some(damage) => {
            ensure!(damage.offset <= len, "{damage}, but there are {len} bytes");
            ensure!(damage.packet == reader.packets() + 1, "{damage}");
            shown.insert(without_digits(&damage.why));
        }
        None => ensure!(
            offset == len,
            "ended at {offset} of {len} bytes without damage"
        ),
    }
    Ok(shown)
}

fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_hexdigit()).collect()
}

/// Numbers at which formats tend to break.
const TELLING: [u32; 12] = [
    0,
    1,
    3,
    4,
    12,
    0x7f,
    0xff,
    0xffff,
    0x10_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
];

fn mutated(pool: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut input = pool[chance.below(pool.len())].clone();
    for _ in 0..=chance.below(6) {
        if input.is_empty() {
            return input;
        }
        let at = chance.below(input.len());
        match chance.below(7) {
            0 => input[at] ^= 1 << chance.below(8),
            1 => input[at] = chance.next().to_le_bytes()[0],
            2 => input.truncate(at),
            3 => {
                let end = input.len().min(at + 1 + chance.below(40));
                input.drain(at..end);
            }
            4 => {
                let end = input.len().min(at + 1 + chance.below(200));
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            5 => {
                let other = &pool[chance.below(pool.len())];
                input.truncate(at);
                input.extend(&other[chance.below(other.len().max(1)).min(other.len())..]);
            }
            _ => overwrite(&mut input, at / 4 * 4, chance),
        }
    }
    input
}

fn overwrite(input: &mut [u8], at: usize, chance: &mut Chance) {
    let word = TELLING[chance.below(TELLING.len())];
    let bytes = if chance.below(2) == 0 {
        word.to_le_bytes()
    } else {
        word.to_be_bytes()
    };
    for (to, from) in input[at..].iter_mut().zip(bytes) {
        *to = from;
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 1).unwrap_or(0) % bound.max(1)
    }
}

/// Another one in each run: what breaks is kept as a file, not as a seed.
fn seed() -> Result<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(since.as_nanos() as u64)
}
