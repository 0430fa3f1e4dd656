//! What the survey says of real listeners, in the namespaces in which they are.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::net::sockopt::{
    set_ipv6_v6only, set_socket_recv_buffer_size_force, set_socket_reuseport,
};
use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use synguard::listeners::{self, Endpoint, OWN, Survey, ambiguous, endpoints};
use synguard_tests::mounts::Mounts;
use synguard_tests::namespace::Namespace;
use synguard_tests::program::{self, Guarded};
use synguard_tests::wait;

const BACKLOG: i32 = 16;

/// How a test listens.
#[derive(Clone, Copy, Default)]
struct Manner {
    v6_only: bool,
    /// As given to SO_RCVBUFFORCE, in bytes.
    buffer: Option<usize>,
}

/// A host, a container behind a veth pair, one with a macvlan, and one of a stranger,
/// which has the container's address, and no way to the host. A process in each shows
/// that it is there.
struct Neighbourhood {
    home: Namespace,
    container: Namespace,
    macvlan: Namespace,
    stranger: Namespace,
    _processes: Vec<Guarded>,
}

impl Neighbourhood {
    fn new() -> Result<Self> {
        let home = Namespace::new("home")?;
        let container = Namespace::new("container")?;
        let macvlan = Namespace::new("macvlan")?;
        let stranger = Namespace::new("stranger")?;
        home.batch(&[
            format!(
                "link add veth0 type veth peer name eth0 netns {}",
                container.path().display()
            ),
            format!(
                "link add link veth0 name eth0 netns {} type macvlan",
                macvlan.path().display()
            ),
            "address add 192.0.2.1/24 dev veth0".to_owned(),
            "address add 2001:db8::1/64 dev veth0 nodad".to_owned(),
            "link set veth0 mtu 1400 up".to_owned(),
        ])?;
        container.batch(&address("192.0.2.2/24", "eth0"))?;
        container.batch(&address("2001:db8::2/64", "eth0"))?;
        macvlan.batch(&address("192.0.2.3/24", "eth0"))?;
        stranger.batch(&address("192.0.2.2/24", "lo"))?;
        let processes = [&container, &macvlan, &stranger].map(stay);
        Ok(Self {
            home,
            container,
            macvlan,
            stranger,
            _processes: processes.into_iter().collect::<Result<_>>()?,
        })
    }

    fn survey(&self) -> Result<Survey> {
        Ok(self.home.inside(listeners::survey)??)
    }
}

fn address(address: &str, interface: &str) -> [String; 2] {
    let nodad = if address.contains(':') { "nodad" } else { "" };
    [
        format!("address add {address} dev {interface} {nodad}"),
        format!("link set {interface} up"),
    ]
}

fn stay(namespace: &Namespace) -> Result<Guarded> {
    program::spawn(namespace.command("sleep").arg("300"))
}

fn open(namespace: &Namespace, address: &str, manner: Manner) -> Result<TcpListener> {
    let wanted: SocketAddr = address.parse()?;
    let opened = namespace.inside(|| -> Result<TcpListener> {
        let family = match wanted {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let socket = socket(family, SocketType::STREAM, None)?;
        set_socket_reuseport(&socket, true)?;
        if wanted.is_ipv6() {
            set_ipv6_v6only(&socket, manner.v6_only)?;
        }
        if let Some(bytes) = manner.buffer {
            set_socket_recv_buffer_size_force(&socket, bytes)?;
        }
        bind(&socket, &wanted)?;
        listen(&socket, BACKLOG)?;
        Ok(socket.into())
    })?;
    opened.with_context(|| format!("cannot listen on {address}"))
}

/// `address port mss` of each endpoint of this namespace, but for link-local addresses.
fn shown(all: &[Endpoint<'_>], namespace: i32) -> Vec<String> {
    let of = all.iter().filter(|one| one.namespace == namespace);
    of.map(|one| format!("{} {} {}", one.address, one.port, one.mss))
        .filter(|line| !line.starts_with("fe80:"))
        .collect()
}

#[test]
fn every_listener_is_found_where_it_is() -> Result<()> {
    let there = Neighbourhood::new()?;
    let usual = Manner::default();
    let v6_only = Manner {
        v6_only: true,
        ..usual
    };
    let small = Manner {
        buffer: Some(4_096),
        ..usual
    };
    let _listening = [
        open(&there.home, "0.0.0.0:80", usual)?,
        open(&there.home, "[::]:443", v6_only)?,
        open(&there.home, "127.0.0.1:3306", usual)?,
        open(&there.container, "[::]:80", usual)?,
        open(&there.container, "[::]:80", small)?,
        open(&there.container, "192.0.2.2:8080", usual)?,
        open(&there.macvlan, "0.0.0.0:25", usual)?,
        open(&there.stranger, "0.0.0.0:80", usual)?,
    ];
    let survey = there.survey()?;
    ensure!(survey.missing.is_empty(), "{:?}", survey.missing);
    ensure!(ambiguous(&survey).is_empty(), "{survey:#?}");
    let [home, containers @ ..] = survey.namespaces.as_slice() else {
        panic!("not even its own: {survey:#?}");
    };
    ensure!(home.id == OWN && home.listeners.len() == 3, "{home:#?}");
    let all = endpoints(&survey);
    let expected = ["192.0.2.1 80 1360", "2001:db8::1 443 1340"];
    ensure!(shown(&all, OWN) == expected, "{all:#?}");
    let mut found: Vec<_> = containers.iter().map(|one| shown(&all, one.id)).collect();
    found.sort();
    let behind_veth = [
        "192.0.2.2 80 1460",
        "192.0.2.2 8080 1460",
        "2001:db8::2 80 1440",
    ];
    ensure!(
        found == [behind_veth.as_slice(), &["192.0.2.3 25 1360"]],
        "{survey:#?}"
    );
    let shifts: Vec<_> = all.iter().filter(|one| one.address.is_ipv4()).collect();
    let small = shifts
        .iter()
        .find(|one| one.namespace != OWN && one.port == 80);
    ensure!(small.context("no endpoint")?.shift == 0, "{all:#?}");
    let usual = shifts
        .iter()
        .filter(|one| one.port != 80 || one.namespace == OWN);
    ensure!(usual.clone().count() == 3, "{all:#?}");
    for one in usual {
        ensure!(one.shift > 0, "{one:?}");
    }
    Ok(())
}

#[test]
fn the_kernel_knows_a_container_by_the_id_of_the_survey() -> Result<()> {
    let there = Neighbourhood::new()?;
    let found = ids(&there.survey()?);
    let listed = there.home.run("ip", &["-json", "netns", "list-id"])?;
    let listed: serde_json::Value = serde_json::from_str(&listed)?;
    let listed = listed.as_array().context("no list")?.iter();
    let mut known: Vec<_> = listed.filter_map(|one| one["nsid"].as_i64()).collect();
    known.push(OWN.into());
    known.sort_unstable();
    ensure!(
        found.len() == 3 && found == known,
        "{found:?}, not {known:?}"
    );
    let again = ids(&there.survey()?);
    ensure!(found == again, "{found:?}, then {again:?}");
    Ok(())
}

fn ids(survey: &Survey) -> Vec<i64> {
    let all = survey.namespaces.iter();
    let mut ids: Vec<_> = all.map(|one| i64::from(one.id)).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_namespace_without_processes_is_found_by_its_name() -> Result<()> {
    let home = Namespace::new("home")?;
    let container = Namespace::new("container")?;
    let peer = container.path();
    let pair = format!(
        "link add veth0 type veth peer name eth0 netns {}",
        peer.display()
    );
    home.batch(&[pair])?;
    container.batch(&address("192.0.2.2/24", "eth0"))?;
    let _listening = open(&container, "0.0.0.0:80", Manner::default())?;
    let mounts = Mounts::fresh()?;
    let names = Path::new("/run/netns");
    let survey = || -> Result<Survey> { Ok(mounts.inside(|| home.inside(listeners::survey))???) };
    ensure!(survey()?.namespaces.len() == 1, "seen before it has a name");
    mounts.inside(|| -> std::io::Result<()> {
        fs::create_dir(names)?;
        fs::write(names.join("stale"), "")?;
        fs::write(names.join("web"), "")
    })??;
    mounts.replace(&names.join("web"), &peer)?;
    let survey = survey()?;
    let labels: Vec<_> = survey
        .namespaces
        .iter()
        .map(|one| one.label.as_str())
        .collect();
    ensure!(labels == ["this host", "web"], "{survey:#?}");
    let all = endpoints(&survey);
    let found = shown(&all, survey.namespaces[1].id);
    ensure!(found == ["192.0.2.2 80 1460"], "{all:#?}");
    Ok(())
}

#[test]
fn without_the_capabilities_it_says_which_and_keeps_to_its_own() -> Result<()> {
    let there = Neighbourhood::new()?;
    let _listening = open(&there.home, "0.0.0.0:80", Manner::default())?;
    let survey = there.home.inside(|| -> Result<Survey> {
        let mut held = capabilities(None)?;
        held.effective.remove(CapabilitySet::SYS_PTRACE);
        // Of this thread, which ends at once.
        set_capabilities(None, held)?;
        Ok(listeners::survey()?)
    })??;
    ensure!(survey.missing == ["CAP_SYS_PTRACE"], "{survey:#?}");
    ensure!(survey.namespaces.len() == 1, "{survey:#?}");
    ensure!(shown(&endpoints(&survey), OWN).len() == 1, "{survey:#?}");
    Ok(())
}

/// A handle that stayed open would keep the container's interfaces in place.
#[test]
fn a_survey_leaves_no_handle_behind() -> Result<()> {
    let there = Neighbourhood::new()?;
    for _ in 0..10 {
        there.survey()?;
    }
    // The surveys of cases that run meanwhile open this container too, for a moment.
    wait::until_true("no handle but the test's own", wait::GENEROUS, || {
        handles(&there.container).is_ok_and(|count| count == 1)
    })
}

/// How many handles this process has on a namespace.
fn handles(namespace: &Namespace) -> Result<usize> {
    let target = fs::read_link(namespace.path())?;
    let all = fs::read_dir("/proc/self/fd")?.filter_map(Result::ok);
    let opened = all.filter_map(|entry| fs::read_link(entry.path()).ok());
    Ok(opened.filter(|one| *one == target).count())
}

/// Sizes for SO_RCVBUFFORCE, in bytes, beside the kernel's own choice.
const BUFFERS: [usize; 10] = [
    1_024, 16_384, 65_535, 100_000, 262_144, 524_288, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];

/// A reply from elsewhere must not promise more than the kernel keeps when it accepts the
/// cookie: here the kernel's own cookie, and what it then says of the connection.
#[test]
fn a_promised_shift_is_never_above_the_kernels() -> Result<()> {
    let host = Namespace::new("host")?;
    host.batch(&address("192.0.2.1/32", "lo"))?;
    host.batch(&address("2001:db8::1/128", "lo"))?;
    host.sysctl("ipv4/tcp_syncookies", "2")?;
    let buffers = [None].into_iter().chain(BUFFERS.map(Some));
    let ports = 8_000..;
    let listening: Vec<_> = ports
        .zip(buffers)
        .map(|(port, buffer)| {
            let manner = Manner {
                buffer,
                ..Manner::default()
            };
            let listener = open(&host, &format!("[::]:{port}"), manner)?;
            Ok((port, buffer, listener))
        })
        .collect::<Result<_>>()?;
    let survey = host.inside(listeners::survey)??;
    let all = endpoints(&survey);
    let before = accepted_cookies(&host)?;
    let mut connections = 0;
    for (port, buffer, listener) in &listening {
        for one in all.iter().filter(|one| one.port == *port) {
            let chosen = chosen_shift(&host, SocketAddr::new(one.address, *port), listener)?;
            connections += 1;
            ensure!(one.shift <= chosen, "{buffer:?}: {one:?}, kernel {chosen}");
            // From Linux 6.6 to 6.9 a window is a quarter of its buffer, otherwise half.
            let close = if buffer.is_none() { 0 } else { 1 };
            ensure!(
                chosen - one.shift <= close,
                "{buffer:?}: {one:?}, kernel {chosen}"
            );
        }
    }
    ensure!(connections == 2 * listening.len() as u64, "{connections}");
    let cookies = accepted_cookies(&host)? - before;
    ensure!(
        cookies == connections,
        "{cookies} cookies in {connections} connections"
    );
    Ok(())
}

/// The shift that the kernel chose for a connection to this listener.
fn chosen_shift(host: &Namespace, to: SocketAddr, listener: &TcpListener) -> Result<u32> {
    let _client = host.inside(|| TcpStream::connect(to))??;
    let (accepted, from) = listener.accept()?;
    let (ours, theirs) = (format!(":{}", to.port()), format!(":{}", from.port()));
    let filter = ["sport", "=", &ours, "and", "dport", "=", &theirs];
    let mut arguments = vec!["-tinHO", "state", "established"];
    arguments.extend(filter);
    let shown = host.run("ss", &arguments)?;
    drop(accepted);
    // That of the peer, that of this end.
    let shifts = shown
        .split_whitespace()
        .find_map(|word| word.strip_prefix("wscale:"))
        .with_context(|| format!("ss shows no shifts: {shown:?}"))?;
    let (_, own) = shifts.split_once(',').context("ss shows one shift")?;
    Ok(own.parse()?)
}

/// How many connections were accepted by a cookie in this namespace.
fn accepted_cookies(host: &Namespace) -> Result<u64> {
    let text = host.inside(|| fs::read_to_string("/proc/thread-self/net/netstat"))??;
    let mut lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = lines.next().zip(lines.next()).context("no TcpExt")?;
    let mut pairs = names.split(' ').zip(values.split(' '));
    let (_, value) = pairs
        .find(|(name, _)| *name == "SyncookiesRecv")
        .context("no SyncookiesRecv")?;
    Ok(value.parse()?)
}
