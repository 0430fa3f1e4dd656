//! `capture` of SYNs that are answered: the SYNs themselves, not their answers.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use synguard_tests::address::{CONTAINER, client};
use synguard_tests::controller::Controller;

use super::{Place, QUICK, READY, Scene};

#[test]
fn a_syn_that_is_answered_is_shown_as_it_came() -> Result<()> {
    let scene = Scene::challenging(Place::Server, READY)?;
    let mut command = scene.synguard.command();
    let source = client(0).to_string();
    command.args(["capture", &scene.synguard.uplink]);
    command.args(["--source", &source, "--count", "1"]);
    let mut capture = Controller::start_into(&mut command, Stdio::piped())?;
    capture.wait_for("capturing on")?;
    for download in scene.download(0, QUICK)? {
        download.finish(scene.services()?)?;
    }
    let stdout = capture.child().stdout.take().context("no stdout")?;
    let line = std::io::read_to_string(stdout)?;
    let (status, log) = capture.wait()?;
    ensure!(status.success(), "{status}: {log}");
    for part in [
        &format!("Z {source}:") as &str,
        &format!("> {CONTAINER}:"),
        " SYN seq ",
        "answered with a SYN cookie (syn_answered); 198.51.100.",
    ] {
        ensure!(line.contains(part), "no {part:?} in {line}");
    }
    Ok(())
}
