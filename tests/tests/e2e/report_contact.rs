//! Whom a report is addressed to: registries as they should be, and as they should
//! not, all of them in the namespace that synguard runs in.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use synguard_tests::lab::Lab;
use synguard_tests::namespace::Namespace;
use synguard_tests::program::{self, Guarded};
use synguard_tests::registry::{Registry, Reply, http};
use synguard_tests::synguard::{Outcome, outcome};
use synguard_tests::wait;
use tempfile::TempDir;

use crate::report::{ensure_contains, with_victims};

const RDAP: &str = "127.0.0.1:8043";
const WHOIS: &str = "127.0.0.1:43";
const CACHED: &str = "synguard/rdap-bootstrap-ipv4.json";

/// What is asked, how, and where the answers are kept.
struct Desk<'l> {
    lab: &'l Lab,
    cache: TempDir,
    bootstrap: String,
    certificates: Option<String>,
}

impl<'l> Desk<'l> {
    fn new(lab: &'l Lab) -> Result<Self> {
        Ok(Self {
            lab,
            cache: tempfile::tempdir()?,
            bootstrap: format!("http://{RDAP}/"),
            certificates: None,
        })
    }

    /// Reports the story's first source.
    fn report(&self) -> Result<Outcome> {
        let mut command = self.lab.synguard.command();
        for name in ["http_proxy", "https_proxy", "all_proxy", "SSL_CERT_DIR"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        command.env("XDG_CACHE_HOME", self.cache.path());
        if let Some(file) = &self.certificates {
            command.env("SSL_CERT_FILE", file);
        }
        command.args(["report", "5.39.90.132", "--whois", WHOIS]);
        command.args(["--rdap-bootstrap", &self.bootstrap]);
        let outcome = outcome(&mut command)?;
        ensure!(outcome.code == Some(0), "{outcome:?}");
        ensure!(!outcome.stderr.contains("panicked"), "{outcome:?}");
        Ok(outcome)
    }

    /// Reports it, and nobody is found: the letter is there all the same.
    fn ensure_blank(&self, reasons: &[&str]) -> Result<()> {
        let outcome = self.report()?;
        ensure!(
            outcome.stdout.starts_with("To:\nSubject: Notice"),
            "{outcome:?}"
        );
        ensure_contains(&outcome.stderr, reasons)
    }
}

fn ensure_to(outcome: &Outcome, to: &str) -> Result<()> {
    let first = outcome.stdout.lines().next();
    ensure!(first == Some(&format!("To: {to}")), "{outcome:?}");
    Ok(())
}

/// Refers to itself.
fn bootstrap() -> String {
    format!(r#"{{"services": [[["5.0.0.0/8"], ["http://{RDAP}/rdap"]]]}}"#)
}

fn network(emails: &[&str]) -> String {
    let cards: Vec<_> = emails
        .iter()
        .map(|email| format!(r#"["email", {{}}, "text", "{email}"]"#))
        .collect();
    format!(
        r#"{{"objectClassName": "ip network", "name": "RÉSEAU-1", "entities": [
            {{"roles": ["registrant"], "entities": [
                {{"roles": ["abuse"], "vcardArray": ["vcard", [{}]]}}]}}]}}"#,
        cards.join(",")
    )
}

/// RDAP by plain HTTP, with this answer about the address.
fn rdap(lab: &Lab, answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Result<Registry> {
    Registry::start(&lab.topology.host, RDAP, move |asked| {
        if asked.contains("/ipv4.json") {
            http("200 OK", "Cache-Control: max-age=3600\r\n", &bootstrap())
        } else {
            answer(asked)
        }
    })
}

fn whois(lab: &Lab, address: &str, answer: &str) -> Result<Registry> {
    let answer = answer.as_bytes().to_vec();
    Registry::start(&lab.topology.host, address, move |_| {
        Reply::Bytes(answer.clone())
    })
}

#[test]
fn rdap_is_asked_once_for_its_files_and_by_nobody() -> Result<()> {
    let (lab, _controller) = with_victims()?;
    let host = lab.topology.host.clone();
    let (tell, told) = std::sync::mpsc::channel();
    let server = rdap(&lab, move |asked| {
        if asked.contains("/rdap/ip/5.39.90.132 ") {
            let _ = tell.send(users(&host));
            return http("302 Found", "Location: /moved\r\n", "");
        }
        http(
            "200 OK",
            "",
            &network(&["abuse@fai.example", "mißbrauch@müller.example"]),
        )
    })?;
    let desk = Desk::new(&lab)?;
    for _ in 0..2 {
        let outcome = desk.report()?;
        ensure_to(&outcome, "abuse@fai.example, mißbrauch@müller.example")?;
        ensure!(!outcome.stderr.contains("no abuse contact"), "{outcome:?}");
    }
    ensure!(server.count("/ipv4.json") == 1, "{:?}", server.asked());
    ensure!(server.count("/moved") == 2, "{:?}", server.asked());
    let askers = told.try_iter().collect::<Result<Vec<_>>>()?;
    ensure!(askers.len() == 2, "{askers:?}");
    for users in askers {
        ensure!(users.contains(&"65534".to_owned()), "asked by {users:?}");
    }

    // What cannot be read is fetched again, and kept.
    let cached = desk.cache.path().join(CACHED);
    fs::write(&cached, "{\"url\": ")?;
    ensure_to(
        &desk.report()?,
        "abuse@fai.example, mißbrauch@müller.example",
    )?;
    ensure!(server.count("/ipv4.json") == 2, "{:?}", server.asked());
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(&cached)?)?;
    ensure!(kept["fresh_seconds"] == 3600, "{kept}");
    Ok(())
}

/// Whose the connections to the RDAP server are.
fn users(host: &Namespace) -> Result<Vec<String>> {
    let table = host.inside(|| fs::read_to_string("/proc/thread-self/net/tcp"))??;
    let port = RDAP.parse::<SocketAddr>()?.port();
    let server = format!("0100007F:{port:04X}");
    let mine = table.lines().filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (remote, user) = (fields.get(2)?, fields.get(7)?);
        (*remote == server).then(|| (*user).to_owned())
    });
    Ok(mine.collect())
}

#[test]
fn whois_is_asked_where_rdap_names_nobody() -> Result<()> {
    let (lab, _controller) = with_victims()?;
    let _rdap = rdap(&lab, |_| http("200 OK", "", &network(&[])))?;
    let _iana = whois(&lab, WHOIS, "% IANA\nrefer: 127.0.0.2\n")?;
    let registry = whois(
        &lab,
        "127.0.0.2:43",
        "netname: X\r\nabuse-mailbox: abuse@fai.example\r\nReferralServer: whois://127.0.0.3:4343\r\n",
    )?;
    let desk = Desk::new(&lab)?;
    // The provider that it refers to does not answer; the registry's answer holds.
    let outcome = desk.report()?;
    ensure_to(&outcome, "abuse@fai.example")?;
    ensure_contains(
        &outcome.stderr,
        &[
            "found an abuse contact, but: RDAP",
            "names no abuse contact",
            "127.0.0.3:4343",
        ],
    )?;
    ensure!(registry.count("5.39.90.132") == 1, "{:?}", registry.asked());

    let provider = whois(&lab, "127.0.0.3:4343", "OrgAbuseEmail: noc@fai.example\n")?;
    ensure_to(&desk.report()?, "noc@fai.example")?;
    ensure!(provider.asked().len() == 1);
    Ok(())
}

#[test]
fn odd_registries_cost_the_contact_and_nothing_else() -> Result<()> {
    let (lab, _controller) = with_victims()?;
    let desk = Desk::new(&lab)?;
    desk.ensure_blank(&[
        "RDAP: http://127.0.0.1:8043/ipv4.json: ",
        "whois: 127.0.0.1:43: ",
    ])?;
    let large = "x".repeat(2 << 20);
    let answers = [
        (http("200 OK", "", "<html>Bonjour</html>"), "no JSON"),
        (http("200 OK", "", "{}"), "about no network"),
        (http("404 Not Found", "", "{}"), "answers 404"),
        (
            http("302 Found", "Location: /rdap/again\r\n", ""),
            "redirects",
        ),
        (http("302 Found", "Location: gopher://x/\r\n", ""), "RDAP: "),
        (http("200 OK", "", &large), "more than 1048576 bytes"),
        (Reply::Bytes(b"\xff\xfe\r\n\r\n".to_vec()), "RDAP: "),
        (Reply::Bytes(Vec::new()), "RDAP: "),
        (Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec()), "RDAP: "),
    ];
    for (answer, reason) in answers {
        let _rdap = rdap(&lab, move |_| answer.clone())?;
        let _iana = whois(&lab, WHOIS, "% nothing to say\n")?;
        desk.ensure_blank(&[reason, "whois: 127.0.0.1:43 names no abuse contact"])?;
    }
    Ok(())
}

#[test]
fn odd_whois_servers_cost_the_contact_and_nothing_else() -> Result<()> {
    let (lab, _controller) = with_victims()?;
    let desk = Desk::new(&lab)?;
    let _second = whois(&lab, "127.0.0.2:43", "refer: 127.0.0.1\n")?;
    for (answer, reason) in [
        (Reply::Bytes(b"refer: 127.0.0.1\n".to_vec()), "in a circle"),
        (Reply::Bytes(b"refer: 127.0.0.2\n".to_vec()), "in a circle"),
        (
            Reply::Bytes(b"refer: no.such.example\n".to_vec()),
            "no.such.example:43: ",
        ),
        (
            Reply::Bytes(b"\xff\x00\x1b]0;x\x07:\n".to_vec()),
            "names no abuse contact",
        ),
        (Reply::Bytes(Vec::new()), "names no abuse contact"),
        (Reply::Endless(vec![b'%'; 4096]), "more than 262144 bytes"),
    ] {
        let _iana = Registry::start(&lab.topology.host, WHOIS, move |_| answer.clone())?;
        desk.ensure_blank(&[reason])?;
    }
    Ok(())
}

#[test]
fn silent_registries_are_not_waited_for() -> Result<()> {
    let (lab, _controller) = with_victims()?;
    let desk = Desk::new(&lab)?;
    let _rdap = rdap(&lab, |_| Reply::Silence)?;
    let _iana = Registry::start(&lab.topology.host, WHOIS, |_| Reply::Silence)?;
    desk.ensure_blank(&["no whole answer within 15 s", "no whole answer within 10 s"])
}

const HTTPS: &str = "127.0.0.1:8443";

/// openssl's server, which answers with files.
fn secure(lab: &Lab, folder: &Path) -> Result<Guarded> {
    let mut certificate = program::command("openssl");
    certificate
        .args([
            "req",
            "-x509",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=registry",
        ])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .current_dir(folder);
    program::run(&mut certificate)?;
    let mut server = lab.topology.host.command("openssl");
    server
        .args(["s_server", "-quiet", "-accept", HTTPS, "-HTTP"])
        .args(["-key", "key.pem", "-cert", "cert.pem"])
        .current_dir(folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let server = program::spawn(&mut server)?;
    wait::until_true("the TLS server", wait::GENEROUS, || {
        let connect = || std::net::TcpStream::connect(HTTPS).is_ok();
        lab.topology.host.inside(connect).unwrap_or(false)
    })?;
    Ok(server)
}

fn put(folder: &Path, path: &str, reply: Reply) -> Result<()> {
    let Reply::Bytes(bytes) = reply else {
        anyhow::bail!("no file")
    };
    let path = folder.join(path);
    fs::create_dir_all(path.parent().context("no folder")?)?;
    Ok(fs::write(path, bytes)?)
}

#[test]
fn https_is_trusted_as_this_host_trusts_it() -> Result<()> {
    let (lab, _controller) = with_victims()?;
    let folder = tempfile::tempdir()?;
    let services = format!(r#"{{"services": [[["5.0.0.0/8"], ["https://{HTTPS}/rdap"]]]}}"#);
    put(folder.path(), "ipv4.json", http("200 OK", "", &services))?;
    let answer = "rdap/ip/5.39.90.132";
    put(
        folder.path(),
        answer,
        http("200 OK", "", &network(&["abuse@fai.example"])),
    )?;
    let _server = secure(&lab, folder.path())?;
    let mut desk = Desk::new(&lab)?;
    desk.bootstrap = format!("https://{HTTPS}/");

    desk.ensure_blank(&["RDAP: https://127.0.0.1:8443/ipv4.json: "])?;
    // A certificate file that only root could read would be of no use.
    let trusted = folder.path().join("cert.pem");
    make_readable(folder.path())?;
    desk.certificates = Some(trusted.to_string_lossy().into_owned());
    ensure_to(&desk.report()?, "abuse@fai.example")?;

    // Not from there to where everybody may read and write along.
    let plain = format!("Location: http://{RDAP}/rdap/ip/5.39.90.132\r\n");
    put(folder.path(), answer, http("302 Found", &plain, ""))?;
    let eavesdropper = rdap(&lab, |_| http("200 OK", "", &network(&["spy@spy.example"])))?;
    desk.ensure_blank(&["only https is trusted"])?;
    ensure!(
        eavesdropper.asked().is_empty(),
        "{:?}",
        eavesdropper.asked()
    );
    Ok(())
}

fn make_readable(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(
        folder,
        fs::Permissions::from_mode(0o755),
    )?)
}
