//! The large file of the web server, by curl.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::namespace::Namespace;
use crate::program::{self, Guarded};
use crate::services::Services;

const HTTP: u16 = 80;

/// A download under way.
#[derive(Debug)]
pub struct Download {
    curl: Guarded,
    folder: TempDir,
}

impl Download {
    /// Begins one from a server by a client, both in the same family. `limit` is in
    /// bytes per second, as curl takes it.
    ///
    /// # Errors
    /// When curl is missing.
    pub fn start(
        namespace: &Namespace,
        client: IpAddr,
        server: IpAddr,
        limit: &str,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let place = SocketAddr::new(server, HTTP);
        let mut command = namespace.command("curl");
        command.args(["-q", "--noproxy", "*", "--silent", "--show-error", "--fail"]);
        command.args(["--max-time", "120", "--limit-rate", limit]);
        command.arg("--output").arg(folder.path().join("file"));
        command.arg("--interface").arg(client.to_string());
        command.arg(format!("http://{place}/large"));
        command.stdout(Stdio::null());
        let curl = program::spawn(&mut command)?;
        Ok(Self { curl, folder })
    }

    /// Waits for its end, and makes sure that the file is the server's.
    ///
    /// # Errors
    /// When it is not, or never came.
    pub fn finish(mut self, services: &Services) -> Result<()> {
        let status = self.curl.child().wait()?;
        ensure!(status.success(), "curl: {status}");
        let file = fs::read(self.folder.path().join("file")).context("no file")?;
        ensure!(file == fs::read(services.large())?, "another file");
        Ok(())
    }
}
