//! What the service manager is told (sd_notify(3)) when interfaces come and go.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use synguard_tests::controller::Controller;
use synguard_tests::lab::Lab;
use synguard_tests::topology::unique_interface;
use synguard_tests::wait;

use super::{Settings, add_interface};

/// A service manager that listens.
struct Manager {
    socket: UnixDatagram,
    heard: String,
}

impl Manager {
    fn wait_for(&mut self, part: &str) -> Result<()> {
        let mut buffer = [0; 4096];
        let Self { socket, heard } = self;
        let found = wait::until(&format!("{part:?}"), wait::GENEROUS, || {
            while let Ok(length) = socket.recv(&mut buffer) {
                heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
                heard.push('\n');
            }
            let place = heard.find(part)?;
            // What is waited for next has to come after it.
            heard.drain(..place + part.len());
            Some(())
        });
        found.with_context(|| format!("heard since: {}", self.heard))
    }
}

#[test]
fn the_service_manager_knows_what_is_filtered() -> Result<()> {
    let lab = Lab::without_services()?;
    let mut names = [unique_interface(), unique_interface()];
    // As they are told.
    names.sort();
    let [first, second] = names;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path)?;
    socket.set_read_timeout(Some(Duration::from_millis(5)))?;
    let mut manager = Manager {
        socket,
        heard: String::new(),
    };
    let settings = Settings::new(&format!("interfaces = [\"{first}\", \"{second}\"]\n"))?;
    add_interface(&lab, &first)?;
    let mut command = lab.synguard.command();
    command.env("NOTIFY_SOCKET", &path);
    let controller = Controller::start(command.args(["attach", &settings.argument()]))?;
    manager.wait_for("READY=1")?;
    manager.wait_for(&format!("STATUS=filtering {first}; waiting for {second}"))?;
    ensure!(controller.text().contains(&format!("attached to {first} ")));
    add_interface(&lab, &second)?;
    let both = format!("STATUS=filtering {first}, {second}\n");
    manager.wait_for(&both)?;
    lab.topology.host.batch(&[format!("link delete {first}")])?;
    manager.wait_for(&format!("STATUS=filtering {second}; waiting for {first}"))?;
    add_interface(&lab, &first)?;
    manager.wait_for(&both)?;
    controller.terminate()?;
    Ok(())
}
