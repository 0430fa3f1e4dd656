//! The large file, sent back to the web server by curl.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, ensure};

use crate::namespace::Namespace;
use crate::program;
use crate::services::Services;

const HTTP: u16 = 80;

/// Uploads it from a client to a server, both in the same family, and makes sure that
/// it is whole there.
///
/// # Errors
/// When it is not, or does not get there in two minutes.
pub fn run(
    namespace: &Namespace,
    client: IpAddr,
    server: IpAddr,
    services: &Services,
) -> Result<()> {
    let name = client.to_string().replace(':', "-");
    let place = SocketAddr::new(server, HTTP);
    let mut command = namespace.command("curl");
    command.args(["-q", "--noproxy", "*", "--silent", "--show-error", "--fail"]);
    command.args(["--max-time", "120"]);
    command.arg("--upload-file").arg(services.large());
    command.arg("--interface").arg(client.to_string());
    command.arg(format!("http://{place}/uploaded/{name}"));
    program::run(&mut command)?;
    let uploaded = fs::read(services.uploaded(&name)).context("no file")?;
    ensure!(uploaded == fs::read(services.large())?, "another file");
    Ok(())
}
