//! Runs the tools that print the rules, for a bounded time and output.

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use crate::text;

/// nft 1.0.6 has been seen to spin.
const LONGEST: Duration = Duration::from_secs(30);

/// Some ten times what 50,000 rules take.
const MOST_BYTES: u64 = 256 << 20;

/// Of an error message.
const MOST_WORDS: u64 = 1 << 10;

/// Administrators' folders, which the PATH of a service may lack.
const MORE_FOLDERS: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// Why a tool printed nothing of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no such program.
    Missing,
    /// It failed: a clause for people, which begins with the tool's name.
    Failed(String),
}

/// Runs a tool to its end, in the network namespace of the calling thread, and
/// gives what it printed on stdout.
pub(super) fn run(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    run_for(LONGEST, program, arguments)
}

fn run_for(longest: Duration, program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let mut child = start(program, arguments)?;
    let failed = |why: String| Failure::Failed(format!("`{program}` {why}"));
    let Ok((out, words)) = listen(&mut child).recv_timeout(longest) else {
        // That it has ended meanwhile is no error; it must be waited for.
        let _ = child.kill();
        let _ = child.wait();
        let limit = text::duration(longest);
        return Err(failed(format!("did not end within {limit}")));
    };
    if out.len() as u64 >= MOST_BYTES {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed(format!(
            "printed more than {} MiB",
            MOST_BYTES >> 20
        )));
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(String::from_utf8_lossy(&out).into_owned()),
        Ok(status) => {
            let words = String::from_utf8_lossy(&words);
            Err(failed(format!("failed ({status}): {}", words.trim())))
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Gives what the child says on stdout and on stderr, once it has said all.
fn listen(child: &mut Child) -> mpsc::Receiver<(Vec<u8>, Vec<u8>)> {
    let (sender, receiver) = mpsc::channel();
    let (out, words) = (child.stdout.take(), child.stderr.take());
    thread::spawn(move || {
        let words = thread::spawn(move || read(words, MOST_WORDS));
        let out = read(out, MOST_BYTES);
        let words = words.join().unwrap_or_default();
        // Nobody listens any more where it took too long.
        let _ = sender.send((out, words));
    });
    receiver
}

/// What cannot be read ends the output; the exit code tells.
fn read(pipe: Option<impl Read>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(most).read_to_end(&mut bytes);
    }
    bytes
}

fn start(program: &str, arguments: &[&str]) -> Result<Child, Failure> {
    // An empty folder would be the current one.
    let path = match env::var("PATH") {
        Ok(path) if !path.is_empty() => format!("{path}:{MORE_FOLDERS}"),
        _ => MORE_FOLDERS.to_owned(),
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", path)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Missing,
        _ => Failure::Failed(format!("`{program}` cannot be started: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_prints_fails_or_is_not_there() {
        assert_eq!(run("echo", &["hello"]), Ok("hello\n".to_owned()));
        assert_eq!(run("no-such-tool-anywhere", &[]), Err(Failure::Missing));
        let failed = run("sh", &["-c", "echo a reason >&2; exit 3"]);
        let Err(Failure::Failed(why)) = failed else {
            panic!("{failed:?}");
        };
        assert!(
            why.contains("`sh` failed") && why.ends_with(": a reason"),
            "{why}"
        );
    }

    #[test]
    fn a_tool_that_does_not_end_is_ended() {
        let failed = run_for(Duration::from_millis(50), "sleep", &["1000"]);
        let expected = "`sleep` did not end within 50ms".to_owned();
        assert_eq!(failed, Err(Failure::Failed(expected)));
    }
}
