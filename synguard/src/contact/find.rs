//! Asking who is to be told.

use std::net::IpAddr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use super::bootstrap::{self, Bootstrap};
use super::cache::Entry;
use super::fetch::Client;
use super::unprivileged::give_up_privileges;
use super::{
    Cache, Contact, Endpoints, Named, WhoisServer, rdap, special_purpose, whois, whois_client,
};

/// For everything. Names are resolved within it, too.
const IN_ALL: Duration = Duration::from_secs(60);
/// IANA refers to a registry, that one perhaps to another, that one to a provider.
const REFERRALS: usize = 5;
/// The media type of RDAP (RFC 7480 section 4.2).
const RDAP: &str = "application/rdap+json, application/json";

/// Finds the abuse contact of an address, within a minute, or says why there is none.
///
/// The cache is read and written with this thread's privileges, the network with
/// none.
pub fn find(address: IpAddr, endpoints: &Endpoints, cache: &Cache, now: SystemTime) -> Contact {
    if let Some(kind) = special_purpose(address) {
        return Contact::none(format!(
            "{address} is not looked up: it belongs to nobody, being {kind}"
        ));
    }
    let file = bootstrap::file(address);
    let search = Search {
        address,
        kept: cache.read(file, &endpoints.file(file)),
        endpoints: endpoints.clone(),
        now,
    };
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let found = match give_up_privileges() {
            Ok(()) => search.run(),
            Err(problem) => (Contact::none(problem), None),
        };
        // Nobody may be waiting any more.
        let _ = sender.send(found);
    });
    let (mut contact, fetched) = receiver.recv_timeout(IN_ALL).unwrap_or_else(|_| {
        let problem = format!("nothing was found within {} s", IN_ALL.as_secs());
        (Contact::none(problem), None)
    });
    if let Some(Err(error)) = fetched.map(|entry| cache.write(file, &entry)) {
        contact
            .problems
            .push(format!("the RDAP bootstrap file cannot be kept: {error}"));
    }
    contact
}

/// What the unprivileged thread is given.
struct Search {
    address: IpAddr,
    endpoints: Endpoints,
    kept: Option<Entry>,
    now: SystemTime,
}

/// A network's name may be known where its contact is not.
struct Nobody {
    network: Option<String>,
    problem: String,
}

impl From<String> for Nobody {
    fn from(problem: String) -> Self {
        Self {
            network: None,
            problem,
        }
    }
}

impl Search {
    /// The contact, and a bootstrap file to keep.
    fn run(&self) -> (Contact, Option<Entry>) {
        let mut fetched = None;
        let failed = match self.by_rdap(&mut fetched) {
            Ok(contact) => return (contact, fetched),
            Err(failed) => failed,
        };
        let mut contact = self.by_whois();
        contact
            .problems
            .insert(0, format!("RDAP: {}", failed.problem));
        contact.network = contact.network.or(failed.network);
        (contact, fetched)
    }

    fn by_rdap(&self, fetched: &mut Option<Entry>) -> Result<Contact, Nobody> {
        let client = Client::new(self.endpoints.may_be_plain())?;
        let bootstrap = self.bootstrap(&client, fetched)?;
        let service = bootstrap
            .service(self.address)
            .ok_or_else(|| format!("no server answers for {}", self.address))?;
        let url = bootstrap::query(service, self.address);
        let answer = client.get(&url, RDAP, self.now)?;
        let named = rdap::parse(&answer.body).map_err(|problem| format!("{url}: {problem}"))?;
        if named.emails.is_empty() {
            return Err(Nobody {
                network: named.network,
                problem: format!("{url} names no abuse contact"),
            });
        }
        Ok(Contact::named(named, format!("RDAP, {url}")))
    }

    /// The file that was kept while it is fresh, or a new one, or the old one where
    /// there is no new one to be had.
    fn bootstrap(&self, client: &Client, fetched: &mut Option<Entry>) -> Result<Bootstrap, String> {
        let kept = self.kept.as_ref().and_then(|kept| {
            let bootstrap = Bootstrap::parse(kept.body.as_bytes()).ok()?;
            Some((bootstrap, kept.is_fresh(self.now)))
        });
        if let Some((bootstrap, true)) = kept {
            return Ok(bootstrap);
        }
        match (self.fetch_bootstrap(client), kept) {
            (Ok((bootstrap, entry)), _) => {
                *fetched = Some(entry);
                Ok(bootstrap)
            }
            (Err(_), Some((old, _))) => Ok(old),
            (Err(problem), None) => Err(problem),
        }
    }

    fn fetch_bootstrap(&self, client: &Client) -> Result<(Bootstrap, Entry), String> {
        let url = self.endpoints.file(bootstrap::file(self.address));
        let answer = client.get(&url, "application/json", self.now)?;
        let bootstrap =
            Bootstrap::parse(&answer.body).map_err(|problem| format!("{url}: {problem}"))?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        Ok((bootstrap, Entry::new(url, body, answer.fresh, self.now)))
    }

    /// The answer of the last server that names somebody.
    fn by_whois(&self) -> Contact {
        let mut asked: Vec<WhoisServer> = Vec::new();
        let mut found = Contact::default();
        let mut next = Some(self.endpoints.whois.clone());
        while let Some(server) = next.take() {
            if asked.contains(&server) || asked.len() >= REFERRALS {
                let problem = format!("whois: {server} was referred to in a circle, or too often");
                found.problems.push(problem);
                break;
            }
            match whois_client::ask(&server, &whois::question(&server, self.address)) {
                Ok(text) => {
                    let answer = whois::parse(&text);
                    found = better(found, answer.named, &server);
                    next = answer.refer;
                }
                Err(problem) => found.problems.push(format!("whois: {server}: {problem}")),
            }
            asked.push(server);
        }
        if found.emails.is_empty() && found.problems.is_empty() {
            let asked: Vec<_> = asked.iter().map(ToString::to_string).collect();
            let problem = format!("whois: {} names no abuse contact", asked.join(", then "));
            found.problems.push(problem);
        }
        found
    }
}

/// What a server knows that another one referred to, where it knows anything.
fn better(before: Contact, mut named: Named, server: &WhoisServer) -> Contact {
    if named.emails.is_empty() {
        let network = named.network.or(before.network);
        return Contact { network, ..before };
    }
    named.network = named.network.or(before.network);
    Contact {
        problems: before.problems,
        ..Contact::named(named, format!("whois, {server}"))
    }
}
