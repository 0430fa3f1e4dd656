//! nginx on ports 80 and 443, the latter with a throw-away certificate.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::namespace::Namespace;
use crate::program;

use super::Contained;

pub(super) const LOG: &str = "nginx.log";
/// The file behind `/large`: eight megabytes.
pub(super) const LARGE: &str = "nginx/large";
/// Where it puts what is uploaded to `/uploaded/NAME`.
pub(super) const UPLOADED: &str = "uploaded";
const LARGE_WORDS: u32 = 1 << 20;

pub(super) fn start(container: &Namespace, folder: &Path) -> Result<Contained> {
    let folder = folder.join("nginx");
    fs::create_dir(&folder)?;
    make_certificate(&folder)?;
    fs::write(folder.join("large"), large())?;
    fs::create_dir(folder.join(UPLOADED))?;
    let configuration = folder.join("nginx.conf");
    fs::write(&configuration, configuration_text(&folder))?;
    let log = folder.with_file_name(LOG);
    let words = ["nginx", "-e", "stderr", "-c"].map(OsStr::new);
    let service = [&words[..], &[configuration.as_os_str()]].concat();
    Contained::start(container, &log, &service)
}

/// No two places in it are alike.
fn large() -> Vec<u8> {
    let words = (0..LARGE_WORDS).map(|word| u64::from(word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    words.flat_map(u64::to_le_bytes).collect()
}

fn make_certificate(folder: &Path) -> Result<()> {
    let mut command = program::command("openssl");
    command.args([
        "req",
        "-x509",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=home.example",
    ]);
    command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    command.arg("-keyout").arg(folder.join("key.pem"));
    command.arg("-out").arg(folder.join("cert.pem"));
    program::run(&mut command).map(drop)
}

/// One process and no daemon: the guard's child is nginx itself.
fn configuration_text(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 80;
        listen [::]:80 ipv6only=on;
        listen 443 ssl;
        listen [::]:443 ssl ipv6only=on;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        location = /large {{ alias {folder}/large; }}
        location /uploaded/ {{
            root {folder};
            dav_methods PUT;
            client_max_body_size 16m;
        }}
        location / {{ return 200 'Bienvenue @home\\n'; }}
    }}
}}
"
    )
}
