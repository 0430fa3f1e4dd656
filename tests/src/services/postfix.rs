//! postfix on port 25, which takes mail for `home.example` and discards it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::namespace::Namespace;

use super::Contained;

pub(super) const LOG: &str = "postfix.log";

/// The domain that the container takes mail for.
pub(crate) const DOMAIN: &str = "home.example";

pub(super) fn start(container: &Namespace, folder: &Path) -> Result<Contained> {
    let folder = folder.join("postfix");
    for part in ["", "etc", "queue"] {
        fs::create_dir(folder.join(part))?;
    }
    create_data_folder(&folder.join("data"))?;
    fs::write(folder.join("etc/main.cf"), main_cf(&folder))?;
    fs::write(folder.join("etc/master.cf"), MASTER_CF)?;
    let log = folder.with_file_name(LOG);
    let configuration = folder.join("etc");
    let service = [
        OsStr::new("postfix"),
        OsStr::new("-c"),
        configuration.as_os_str(),
        OsStr::new("start-fg"),
    ];
    Contained::start(container, &log, &service)
}

/// postfix insists that its data belong to its own user.
fn create_data_folder(data: &Path) -> Result<()> {
    fs::create_dir(data)?;
    let mut command = crate::program::command("chown");
    crate::program::run(command.arg("postfix:").arg(data)).map(drop)
}

/// No name is ever looked up: there is no resolver in the lab, and waiting for
/// one would look like a slow server.
fn main_cf(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = /dev/stdout
myhostname = mail.{DOMAIN}
mydomain = {DOMAIN}
mydestination = {DOMAIN}
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
local_recipient_maps =
local_transport = discard:
default_transport = discard:
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = none
disable_dns_lookups = yes
"
    )
}

/// Debian's services, without chroot, and without those that nothing here uses.
const MASTER_CF: &str = "\
smtp      inet  n       -       n       -       -       smtpd
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
postlog   unix-dgram n  -       n       -       1       postlogd
";
