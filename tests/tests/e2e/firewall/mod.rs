//! Which ports the host's own rules keep from SYN cookies: what SynGuard makes
//! of real rules of real tools, beside what the kernel makes of real packets.

mod random;

use anyhow::{Context, Result, ensure};
use synguard::firewall::{self, Firewall, Hindrance};
use synguard_tests::reach::{Host, Reach};

/// What is wrong with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    Published,
    SynProxy,
    Closed,
    Strict,
    Unreadable,
}
use Wrong::{Closed, Nothing, Published, Strict, SynProxy, Unreadable};

/// What a port is wanted to be.
type Wanted = (u16, Wrong);

fn wrong(firewall: &Firewall, port: u16) -> Wrong {
    match firewall.hinders(port) {
        None => Nothing,
        Some(Hindrance::Published { .. }) => Published,
        Some(Hindrance::SynProxy { .. }) => SynProxy,
        Some(Hindrance::Closed { .. }) => Closed,
        Some(Hindrance::Strict { .. }) => Strict,
        Some(Hindrance::Unreadable { .. }) => Unreadable,
    }
}

/// What the kernel must make of the packets to such a port.
fn fits(wrong: Wrong, reach: Reach) -> bool {
    match wrong {
        Nothing => reach.syn && reach.ack,
        Strict => reach.syn && !reach.ack,
        Published | SynProxy | Closed => !reach.syn,
        // What is not known need not be so.
        Unreadable => true,
    }
}

fn survey(host: &Host) -> Result<Firewall> {
    Ok(host.namespace.inside(firewall::survey)??)
}

/// Feeds the rules to the tool and asks SynGuard and the kernel about each port.
fn check(tool: &[&str], rules: &str, wanted: &[Wanted]) -> Result<()> {
    let mut host = Host::new()?;
    let (program, arguments) = tool.split_first().context("no tool")?;
    host.feed(program, arguments, rules)?;
    check_host(&mut host, rules, wanted)
}

fn check_host(host: &mut Host, rules: &str, wanted: &[Wanted]) -> Result<()> {
    let firewall = survey(host)?;
    for (port, expected) in wanted.iter().copied() {
        let found = firewall.hinders(port);
        let told = found.as_ref().map(ToString::to_string);
        ensure!(
            wrong(&firewall, port) == expected,
            "port {port} is not {expected:?} but {found:?} ({told:?})\n{rules}"
        );
        let reach = host.reach(port)?;
        ensure!(
            fits(expected, reach),
            "port {port} is {expected:?} ({told:?}), but {reach:?}\n{rules}"
        );
    }
    Ok(())
}

const NFT: [&str; 3] = ["nft", "-f", "-"];
const IPTABLES: [&[&str]; 2] = [&["iptables-nft-restore"], &["iptables-legacy-restore"]];

/// A table with one chain of the input hook.
fn input(policy: &str, rules: &str) -> String {
    format!(
        "table inet filter {{\n\
         set seen {{ type ipv4_addr; flags dynamic; timeout 1m; }}\n\
         set ports {{ type inet_service; elements = {{ 80, 443 }} }}\n\
         set nobody {{ type ipv4_addr; flags interval; elements = {{ 10.0.0.0/8 }} }}\n\
         chain input {{ type filter hook input priority 0; policy {policy};\n{rules}\n}}\n}}\n"
    )
}

#[test]
fn no_rules_hinder_nothing() -> Result<()> {
    let mut host = Host::new()?;
    check_host(&mut host, "", &[(80, Nothing)])
}

#[test]
fn rules_that_ask_for_the_syn() -> Result<()> {
    for rules in [
        "ct state new tcp flags & (fin|syn|rst|ack) != syn drop",
        "tcp flags != syn ct state new counter drop",
        "ct state new tcp flags ! syn reject",
        "ct state new tcp dport @ports tcp flags & syn == 0 drop",
        "ct state { new, invalid } tcp flags { ack, psh|ack } drop",
        "ct state vmap { established : accept, related : accept, invalid : drop }\n\
         meta l4proto tcp tcp flags syn accept\nct state new drop",
        "ip saddr @nobody drop\nip saddr 198.51.100.0/24 ct state new tcp flags != syn drop",
        "tcp flags syn add @seen { ip saddr } accept\nct state new drop",
        "tcp flags syn add @seen { ip saddr }\ntcp flags ack ip saddr != @nobody drop",
    ] {
        check(&NFT, &input("accept", rules), &[(80, Strict)])?;
    }
    for rules in [
        "ct state established,related accept\ntcp dport 80 tcp flags syn ct state new accept",
        "ct state established,related accept\niif lo accept\n\
         tcp dport @ports tcp flags == syn accept",
    ] {
        check(&NFT, &input("drop", rules), &[(80, Strict), (81, Closed)])?;
    }
    Ok(())
}

#[test]
fn rules_that_treat_the_ack_as_the_syn() -> Result<()> {
    for rules in [
        "ct state established,related accept\nct state invalid drop\ntcp dport 80 accept",
        "ct state vmap { established : accept, related : accept, invalid : drop }\n\
         iif lo accept\nip saddr @nobody drop\ntcp dport vmap { 22 : drop, 80 : accept }",
        "tcp dport @ports ct state new limit rate 10/second accept",
        "tcp flags syn limit rate over 10/second drop\ntcp dport 80 accept",
        "tcp flags syn tcp dport 80 limit rate 10/second accept\ntcp flags syn drop\n\
         tcp dport 80 accept",
        "tcp flags syn add @seen { ip saddr limit rate over 10/second } drop\n\
         ip saddr @nobody drop\ntcp dport 80 accept",
        "tcp dport 80 tcp flags & (fin|syn) == (fin|syn) drop\n\
         tcp flags & (syn|rst) == (syn|rst) drop\nmeta mark set 7\ntcp dport 80 accept",
        "ct state new tcp dport { 80, 8000-8080 } ct count over 100 drop\ntcp dport 80 accept",
        "udp dport 53 accept\nmeta l4proto { tcp, udp } th dport 80 accept",
        "meta iifname . tcp dport { \"lo\" . 81, \"wan0\" . 79-80 } accept",
    ] {
        check(&NFT, &input("drop", rules), &[(80, Nothing), (81, Closed)])?;
    }
    let clamp = "table inet mangle {\nchain forward { type filter hook forward priority mangle;\n\
                 tcp flags syn tcp option maxseg size set rt mtu\n}\n}\n";
    check(&NFT, clamp, &[(80, Nothing)])
}

#[test]
fn ports_that_are_published_by_nft() -> Result<()> {
    let rules = "\
table ip nat {
    map backends { type inet_service : ipv4_addr; elements = { 90 : 10.0.0.1 } }
    set more { type inet_service; flags interval; elements = { 7000-7010, 7020 } }
    chain docker {
        tcp dport 8080 dnat to 10.0.0.2:80
    }
    chain web {
        dnat to 10.0.0.3
    }
    chain prerouting { type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local jump docker
        tcp dport { 81, 83-85 } redirect to :9000
        tcp dport @more redirect to :9000
        dnat to tcp dport map @backends
        dnat to tcp dport map { 95 : 10.0.0.1, 96 : 10.0.0.2 }
        ip daddr . tcp dport { 192.0.2.1 . 200, 192.0.2.1 . 202-204 } dnat to 10.0.0.1
        tcp dport vmap { 4000 : jump web, 4001 : accept }
        udp dport 82 redirect to :9000
        iif lo meta l4proto tcp redirect to :9000
    }
}
";
    let published = [
        8080, 81, 83, 84, 85, 7000, 7005, 7010, 7020, 90, 95, 96, 200, 203, 4000,
    ];
    let left_alone = [80, 86, 7011, 91, 97, 201, 4001];
    let wanted: Vec<_> = published
        .map(|port| (port, Published))
        .into_iter()
        .chain(left_alone.map(|port| (port, Nothing)))
        .collect();
    check(&NFT, rules, &wanted)
}

#[test]
fn iptables_of_both_makes() -> Result<()> {
    let rules = "\
*raw
-A PREROUTING -p tcp -m tcp --dport 5000 -j CT --notrack
-A OUTPUT -p tcp -m tcp --sport 5000 -j CT --notrack
COMMIT
*mangle
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
COMMIT
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
-A PREROUTING -p tcp -m multiport --dports 81,83:85 -j REDIRECT --to-ports 9000
-A PREROUTING -p udp -m udp --dport 53 -j REDIRECT --to-ports 9000
COMMIT
*filter
:INPUT DROP [0:0]
:LOGDROP - [0:0]
-A LOGDROP -m limit --limit 3/min -j LOG --log-prefix \"dropped: \"
-A LOGDROP -j DROP
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name ssh --rsource
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment \"from \\\"all\\\"\" -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -m conntrack --ctstate NEW -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j LOGDROP
-A INPUT -p tcp -m multiport --dports 80,443,7000:7010 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 25 --syn -m state --state NEW -j ACCEPT
-A INPUT -p tcp -m tcp --dport 26 --syn -m connlimit --connlimit-above 3 -j REJECT --reject-with tcp-reset
-A INPUT -p tcp -m tcp --dport 26 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 5000 -m conntrack --ctstate UNTRACKED -j ACCEPT
COMMIT
";
    let wanted = [
        (22, Nothing),
        (25, Strict),
        (26, Nothing),
        (80, Nothing),
        (81, Published),
        (82, Closed),
        (84, Published),
        (443, Strict),
        (5000, Nothing),
        (7005, Nothing),
        (7011, Closed),
        (8080, Published),
    ];
    for tool in IPTABLES {
        check(tool, rules, &wanted)?;
    }
    Ok(())
}

#[test]
fn netfilters_own_syn_proxy() -> Result<()> {
    let nft = "\
table inet proxy {
    chain early { type filter hook prerouting priority raw; policy accept;
        tcp dport 80 tcp flags syn notrack
    }
    chain input { type filter hook input priority filter; policy accept;
        tcp dport 80 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
    }
}
";
    let wanted = [(80, SynProxy), (81, Nothing)];
    check(&NFT, nft, &wanted)?;
    let iptables = "\
*raw
-A PREROUTING -p tcp -m tcp --dport 80 --syn -j CT --notrack
COMMIT
*filter
-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460
COMMIT
";
    IPTABLES
        .iter()
        .try_for_each(|tool| check(tool, iptables, &wanted))
}

#[test]
fn another_program_decides() -> Result<()> {
    let rules = "*filter\n-A INPUT -p tcp -m tcp --dport 80 -j NFQUEUE --queue-num 7\nCOMMIT\n";
    let wanted = [(80, Unreadable), (81, Nothing)];
    IPTABLES
        .iter()
        .try_for_each(|tool| check(tool, rules, &wanted))
}

#[test]
fn connection_tracking_that_takes_up_nothing() -> Result<()> {
    let rules = input(
        "drop",
        "ct state established,related accept\nct state new tcp dport 80 accept",
    );
    let mut host = Host::new()?;
    host.feed("nft", &["-f", "-"], &rules)?;
    check_host(&mut host, &rules, &[(80, Nothing)])?;
    host.namespace
        .sysctl("netfilter/nf_conntrack_tcp_loose", "0")?;
    check_host(&mut host, &rules, &[(80, Strict)])
}

/// What is advised for a strict port helps.
#[test]
fn the_remedy_mends_it() -> Result<()> {
    let rules = input(
        "drop",
        "tcp dport 80 ct state untracked accept\nct state established,related accept\n\
         ct state new tcp flags != syn drop\ntcp dport { 80, 443 } accept",
    );
    let mut host = Host::new()?;
    host.feed("nft", &["-f", "-"], &rules)?;
    check_host(&mut host, &rules, &[(80, Strict), (443, Strict)])?;
    let hindrance = survey(&host)?.hinders(80).context("no hindrance")?;
    let remedy = hindrance.remedy().context("no remedy")?;
    let commands: Vec<_> = (remedy.lines().map(str::trim))
        .filter(|line| line.starts_with("nft "))
        .collect();
    ensure!(commands.len() == 5, "{remedy}");
    host.feed("sh", &["-e"], &commands.join("\n"))?;
    check_host(&mut host, &rules, &[(80, Nothing), (443, Strict)])
}
