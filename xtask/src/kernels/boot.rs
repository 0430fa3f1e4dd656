//! Booting a guest and waiting for its end.

use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::cpio;
use super::needs::Programs;
use super::outcome::{self, Outcome};
use super::release::Release;
use super::scratch::Scratch;
use super::share::Share;
use super::store::Kernel;

/// About five times what it takes on an idle machine.
const LIMIT: Duration = Duration::from_secs(900);

/// A qemu that does not outlive this.
#[derive(Debug)]
struct Machine {
    qemu: Child,
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// How a boot ended.
#[derive(Debug)]
enum End {
    /// The guest wrote its report.
    Finished(Outcome),
    /// It did not, for this reason.
    Lost(String),
}

/// Runs the tests on a kernel; says how it went if all is well.
pub fn test(release: &Release, kernel: &Kernel, programs: &Programs) -> Result<String> {
    let start = Instant::now();
    let outcome = match attempt(kernel, programs)? {
        End::Finished(outcome) => outcome,
        End::Lost(why) => {
            // The emulator itself has been seen to crash.
            eprintln!("{}: {why}\nIt is booted once more.", release.name);
            match attempt(kernel, programs)? {
                End::Finished(outcome) => outcome,
                End::Lost(why) => bail!("{why}"),
            }
        }
    };
    outcome.verdict(&kernel.uname, start.elapsed())
}

fn attempt(kernel: &Kernel, programs: &Programs) -> Result<End> {
    let scratch = Scratch::within(&env::temp_dir())?;
    let path = |name: &str| scratch.path().join(name);
    cpio::pack(kernel, &path("tree"), &path("initramfs"))?;
    let share = Share::fill(&path("share"), programs)?;
    let mut command = qemu(kernel, &path("initramfs"), share.path(), &path("console"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(path("qemu")).context("a file for qemu's messages")?);
    let mut machine = Machine {
        qemu: command.spawn().context("qemu could not be started")?,
    };
    let ended = wait(&mut machine.qemu)?;
    drop(machine);
    if let Some(outcome) = Outcome::read(&share) {
        return Ok(End::Finished(outcome));
    }
    let text = |name| fs::read(path(name)).unwrap_or_default();
    let [console, qemu] =
        ["console", "qemu"].map(|name| String::from_utf8_lossy(&text(name)).into_owned());
    Ok(End::Lost(format!(
        "the guest {}:\n{}",
        if ended {
            "ended before its tests did"
        } else {
            "did not finish in time"
        },
        outcome::tail(&(console + &qemu + &share.read("log")))
    )))
}

/// Whether qemu ends within [`LIMIT`].
fn wait(qemu: &mut Child) -> Result<bool> {
    let end = Instant::now() + LIMIT;
    while Instant::now() < end {
        if qemu.try_wait().context("qemu is lost")?.is_some() {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(false)
}

fn qemu(kernel: &Kernel, initramfs: &Path, share: &Path, console: &Path) -> Command {
    // An xtask that is killed cannot end it. The program becomes qemu, and
    // keeps its process id.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"])
        // Never KVM, which some machines offer but cannot boot these kernels
        // on; and one thread for both CPUs, as with two qemu has crashed.
        .args(["-accel", "tcg,thread=single", "-cpu", "max", "-smp", "2"])
        .args(["-m", "2G", "-nodefaults", "-display", "none", "-no-reboot"])
        .arg("-serial")
        .arg(format!("file:{}", quoted(console)))
        .arg("-kernel")
        .arg(kernel.vmlinux())
        .arg("-initrd")
        .arg(initramfs)
        // hpet: its rate is known. That of the TSC is measured at boot, and a busy
        // host has had the guest's clock run sixty times too fast.
        .args([
            "-append",
            "console=ttyS0 quiet panic=-1 clocksource=hpet mitigations=off",
        ]);
    // remap: the host's root may be made of several file systems.
    let root = "path=/,security_model=none,readonly=on,multidevs=remap";
    let share = format!("path={},security_model=none", quoted(share));
    for (name, options) in [("root", root), ("share", share.as_str())] {
        command
            .arg("-fsdev")
            .arg(format!("local,id={name},{options}"))
            .arg("-device")
            .arg(format!("virtio-9p-pci,fsdev={name},mount_tag={name}"));
    }
    command
}

/// A path within one of qemu's options, where a comma begins the next.
fn quoted(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}
