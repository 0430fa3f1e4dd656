//! One run of the hook.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use caps::CapSet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};
use rustix::thread::set_no_new_privs;

use super::Command;
use crate::events::record::Told;
use crate::text;

/// So long after SIGTERM comes SIGKILL.
pub(super) const GRACE: Duration = Duration::from_secs(1);
/// Of what it says on standard error the end is kept, in bytes.
const KEPT: usize = 4096;
/// Where it may find programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It ended with 0.
    Done,
    /// With something else.
    Failed {
        /// How.
        status: ExitStatus,
        /// Its last line on standard error.
        said: String,
    },
    /// It did not end by itself.
    TimedOut {
        /// Its last line on standard error.
        said: String,
    },
    /// It could not be started, or not be watched.
    NotStarted(io::Error),
}

/// Has every descriptor that this process was started with closed where a program is run;
/// its own ones are anyway.
pub(super) fn keep_descriptors() {
    let Ok(open) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers = open.flatten().filter_map(|entry| {
        let name = entry.file_name();
        name.to_str()?.parse::<RawFd>().ok()
    });
    for number in numbers.filter(|number| *number > 2).collect::<Vec<_>>() {
        // SAFETY: it is only borrowed for the two calls, which change a flag of whatever it
        // is; where it has been closed meanwhile they fail.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        if let Ok(flags) = fcntl_getfd(descriptor) {
            let _ = fcntl_setfd(descriptor, flags | FdFlags::CLOEXEC);
        }
    }
}

/// Gives up, for good and for this thread and what it runs, all capabilities. Without the
/// latter root would have them all again (capabilities(7)).
///
/// # Errors
///
/// Where the kernel refuses.
pub(super) fn give_up_capabilities() -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        caps::clear(None, set).map_err(|error| failed(&error))?;
    }
    set_no_new_privs(true).map_err(|error| failed(&error))
}

/// Runs it for an event to its end, or until `timeout`. What stays behind in its process
/// group is ended too.
pub(super) fn run(command: &Command, told: &Told, timeout: Duration) -> Outcome {
    let mut child = match start(command, told) {
        Ok(child) => child,
        Err(failure) => return Outcome::NotStarted(failure),
    };
    let mut stderr = Tail::new(child.stderr.take());
    let watched = watch(&child, &mut stderr, timeout);
    // While it is not waited for, nobody else has its number.
    signal_group(&child, Signal::KILL);
    let status = child.wait();
    stderr.read();
    let said = stderr.last_line();
    match (watched, status) {
        (Ok(true), Ok(status)) if status.success() => Outcome::Done,
        (Ok(true), Ok(status)) => Outcome::Failed { status, said },
        (Ok(false), _) => Outcome::TimedOut { said },
        (Err(failure), _) | (_, Err(failure)) => Outcome::NotStarted(failure),
    }
}

fn start(command: &Command, told: &Told) -> io::Result<Child> {
    let mut child = std::process::Command::new(command.program())
        .args(command.arguments())
        .current_dir("/")
        .env_clear()
        .env("PATH", PATH)
        .envs(told.variables.iter().map(|(name, value)| (name, value)))
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may not want it. A pipe takes more than an event at once.
        fcntl_setfl(&stdin, OFlags::NONBLOCK)?;
        let _ = stdin.write_all(format!("{}\n", told.line).as_bytes());
    }
    Ok(child)
}

/// Waits for its end, and says whether it came by itself.
fn watch(child: &Child, stderr: &mut Tail, timeout: Duration) -> io::Result<bool> {
    if ends_within(child, stderr, timeout)? {
        return Ok(true);
    }
    signal_group(child, Signal::TERM);
    ends_within(child, stderr, GRACE)?;
    Ok(false)
}

fn ends_within(child: &Child, stderr: &mut Tail, timeout: Duration) -> io::Result<bool> {
    let end = Instant::now() + timeout;
    let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let mut awaited = vec![PollFd::new(&pidfd, PollFlags::IN)];
        if let Some(pipe) = &stderr.pipe {
            awaited.push(PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN));
        }
        match poll(&mut awaited, Some(&left)) {
            Err(rustix::io::Errno::INTR) => continue,
            ready => ready?,
        };
        stderr.read();
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        if waitid(WaitId::PidFd(pidfd.as_fd()), ended)?.is_some() {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
    }
}

fn signal_group(child: &Child, signal: Signal) {
    // It may be that nobody is left in it.
    let _ = kill_process_group(Pid::from_child(child), signal);
}

/// The end of what it says on standard error.
struct Tail {
    pipe: Option<ChildStderr>,
    kept: Vec<u8>,
}

impl Tail {
    fn new(pipe: Option<ChildStderr>) -> Self {
        let pipe = pipe.filter(|pipe| fcntl_setfl(pipe, OFlags::NONBLOCK).is_ok());
        Self {
            pipe,
            kept: Vec::new(),
        }
    }

    /// Takes what is there, as much as a pipe holds: who says more and more shall not keep
    /// its time from being over.
    fn read(&mut self) {
        const PIPE: usize = 65_536;
        let mut taken = 0;
        let mut buffer = [0; KEPT];
        while let Some(pipe) = &mut self.pipe
            && taken < PIPE
        {
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    taken += count;
                    self.kept.extend_from_slice(&buffer[..count]);
                    let surplus = self.kept.len().saturating_sub(KEPT);
                    self.kept.drain(..surplus);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }

    fn last_line(&self) -> String {
        let said = String::from_utf8_lossy(&self.kept);
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        last.map_or_else(|| "it said nothing".to_owned(), text::plain)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::events::parse_command;

    const LONG: Duration = Duration::from_secs(60);

    fn told() -> Told {
        Told {
            line: r#"{"event":"promoted"}"#.to_owned(),
            variables: vec![("SYNGUARD_EVENT".to_owned(), "promoted".to_owned())],
        }
    }

    fn shell(script: &str, timeout: Duration) -> Outcome {
        let words = shlex::try_join(["/bin/sh", "-c", script]).unwrap();
        run(&parse_command(&words).unwrap().unwrap(), &told(), timeout)
    }

    /// Waits until the process is gone.
    fn wait_for_end(pid_file: &Path) {
        let pid = fs::read_to_string(pid_file).unwrap();
        let path = format!("/proc/{}/stat", pid.trim());
        let begun = Instant::now();
        // What has ended may yet be waited for by init.
        while fs::read_to_string(&path).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(begun.elapsed() < LONG, "{path} is still there");
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_is_told_on_standard_input_and_by_variables() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        let script = format!("cat > {0}; env | sort >> {0}", seen.display());
        assert!(matches!(shell(&script, LONG), Outcome::Done));
        let seen = fs::read_to_string(seen).unwrap();
        assert!(seen.starts_with("{\"event\":\"promoted\"}\n"), "{seen}");
        assert!(seen.contains("\nSYNGUARD_EVENT=promoted"), "{seen}");
        assert!(!seen.contains("CARGO"), "{seen}");
    }

    #[test]
    fn no_descriptor_of_ours_is_its_own() {
        let ours = tempfile::tempfile().unwrap();
        keep_descriptors();
        // Those of the shell, and the one that lists them.
        let script = "for fd in /proc/self/fd/*; do case ${fd##*/} in 0|1|2) ;; *) \
                      readlink $fd >&2 && exit 1;; esac; done; exit 0";
        let outcome = shell(script, LONG);
        assert!(matches!(outcome, Outcome::Done), "{outcome:?}");
        drop(ours);
    }

    #[test]
    fn a_failure_has_its_last_words() {
        for (script, expected) in [
            ("echo first >&2; echo last >&2; echo >&2; exit 3", "last"),
            ("exit 3", "it said nothing"),
            ("printf '\\033[1mbold' >&2; exit 3", "\u{fffd}[1mbold"),
        ] {
            let outcome = shell(script, LONG);
            let Outcome::Failed { status, said } = outcome else {
                panic!("{outcome:?}")
            };
            assert_eq!((status.code(), said.as_str()), (Some(3), expected));
        }
    }

    #[test]
    fn it_may_say_more_than_a_pipe_holds() {
        let outcome = shell("yes | head -c 1000000 >&2; echo end >&2; exit 1", LONG);
        let Outcome::Failed { said, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(said, "end");
    }

    #[test]
    fn who_hangs_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        for script in ["sleep 1000", "trap '' TERM; while :; do sleep 1000; done"] {
            let script = format!("sleep 1000 & echo $! > {}; {script}", pid.display());
            let begun = Instant::now();
            let outcome = shell(&script, Duration::from_millis(300));
            assert!(matches!(outcome, Outcome::TimedOut { .. }), "{outcome:?}");
            assert!(begun.elapsed() < LONG);
            wait_for_end(&pid);
        }
    }

    #[test]
    fn who_forks_leaves_nobody_behind() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; exit 0", pid.display());
        let begun = Instant::now();
        assert!(matches!(shell(&script, LONG), Outcome::Done));
        assert!(begun.elapsed() < LONG);
        wait_for_end(&pid);
    }

    #[test]
    fn what_cannot_be_run_is_said() {
        let command = parse_command("/nowhere/tell").unwrap().unwrap();
        let outcome = run(&command, &told(), LONG);
        assert!(matches!(outcome, Outcome::NotStarted(_)), "{outcome:?}");
    }

    #[test]
    fn it_has_no_capabilities() {
        let outcome = std::thread::spawn(|| {
            give_up_capabilities().unwrap();
            shell(
                "grep -q '^CapEff:.*0000000000000000$' /proc/self/status && \
                 grep -q '^CapPrm:.*0000000000000000$' /proc/self/status",
                LONG,
            )
        });
        let outcome = outcome.join().unwrap();
        assert!(matches!(outcome, Outcome::Done), "{outcome:?}");
    }
}
