//! Links of other kinds than plain Ethernet with IPv4: VLANs, jumbo frames, IPv6.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use synguard_tests::address::{CONTAINER, CONTAINER6, client, client6};
use synguard_tests::crowd::{Crowd, Plan};
use synguard_tests::seed_packet::Dress;
use synguard_tests::syn_acks::SynAcks;
use synguard_tests::topology::{CONTAINER_END, PROVIDER_END};
use synguard_tests::upload;

use super::talk::Talk;
use super::{CLIENTS, Place, QUICK, READY, Scene, connection};

const FLOOD: u32 = 20_000;
const JUMBO: u32 = 9_000;

/// A large file either way, over IPv4 and IPv6, for clients of whom each is challenged.
fn transfer_both_ways(scene: &Scene) -> Result<()> {
    scene.all_download()?;
    let internet = &scene.lab.topology.internet;
    upload::run(
        internet,
        client(CLIENTS).into(),
        CONTAINER.into(),
        scene.services()?,
    )?;
    upload::run(
        internet,
        client6(CLIENTS).into(),
        CONTAINER6.into(),
        scene.services()?,
    )?;
    let (answered, connected) = (scene.answered()?, 2 * CLIENTS as u64 + 2);
    ensure!(answered >= connected, "{answered} of {connected} answered");
    Ok(())
}

#[test]
fn ipv6_clients_are_served_in_a_flood() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let scene = Scene::challenging(place, READY)?;
        let crowd = Crowd::start(&scene.lab.topology, CONTAINER6.into(), FLOOD)?;
        transfer_both_ways(&scene)?;
        let (sent, answered) = (crowd.stop()?, scene.answered()?);
        ensure!(answered * 2 > sent, "{answered} of {sent} answered");
    }
    Ok(())
}

/// The rest of the connection goes without tags: kernels without 802.1Q would not take
/// them. That the answers are tagged is shown below.
#[test]
fn cookies_that_went_through_a_vlan_are_accepted() -> Result<()> {
    let scene = Scene::challenging(Place::Uplink, READY)?;
    for (port, tags) in (40_000..).zip(&TAGS[1..]) {
        let talk = Talk::new(&scene, port)?;
        let syn_ack = talk.open_from(&[], vlans(tags))?;
        talk.go_on(&syn_ack)?;
    }
    ensure!(scene.answered()? == 2);
    Ok(())
}

fn vlans(tags: &[u16]) -> [Option<u16>; 2] {
    [tags.first().copied(), tags.get(1).copied()]
}

#[test]
fn jumbo_frames_are_announced_and_used() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        let scene = Scene::attached(place, READY, &["--challenge", "off"])?;
        let topology = scene.lab.topology.clone();
        for (namespace, interfaces) in [
            (&topology.internet, vec![PROVIDER_END]),
            (&topology.host, vec![&topology.uplink, "veth0", "br0"]),
            (&topology.container, vec![CONTAINER_END]),
        ] {
            let lines = interfaces
                .iter()
                .map(|interface| format!("link set {interface} mtu {JUMBO}"));
            namespace.batch(&lines.collect::<Vec<_>>())?;
        }
        large_segments(scene)?;
    }
    Ok(())
}

fn large_segments(mut scene: Scene) -> Result<()> {
    let uplink = scene.synguard.uplink.clone();
    scene.synguard.succeed(&["detach", &uplink])?;
    scene.controller = scene.synguard.attach(&["--challenge", "always"])?;
    scene.controller.wait_for("challenging new clients")?;
    let topology = scene.lab.topology.clone();
    let syn_acks = SynAcks::start(&topology.internet, PROVIDER_END)?;
    transfer_both_ways(&scene)?;
    let announced: Vec<_> = syn_acks.finish(2 * CLIENTS + 2)?;
    let expected = |mss| announced.iter().any(|syn_ack| syn_ack.mss == Some(mss));
    let (v4, v6) = (JUMBO - 40, JUMBO - 60);
    ensure!(expected(v4) && expected(v6), "{announced:#?}");
    let usual = announced.iter().all(|one| one.mss >= Some(v6) && one.sound);
    ensure!(usual, "{announced:#?}");
    // A client that was challenged, and sends as much at a time as was announced.
    let number = CLIENTS + 1;
    let _slow = scene.download(number, "50K")?;
    for (client, server) in [
        (IpAddr::from(client(number)), IpAddr::from(CONTAINER)),
        (client6(number).into(), CONTAINER6.into()),
    ] {
        // The cookie's table ends below what either end could take.
        let near = connection(&topology.internet, client, server)?;
        let mss = word(&near, " mss:")?;
        ensure!(mss > 8_000, "{near}");
    }
    for download in scene.download(number + 1, QUICK)? {
        download.finish(scene.services()?)?;
    }
    Ok(())
}

/// The number behind a word of `ss`.
fn word(shown: &str, before: &str) -> Result<u32> {
    let rest = shown.split(before).nth(1).context("no such word")?;
    let number = rest.split_whitespace().next().unwrap_or_default();
    Ok(number.parse()?)
}

/// So many of each kind are looked at.
const ANSWERS: usize = 4_000;

const TAGS: [&[u16]; 3] = [&[], &[7], &[7, 8]];

#[test]
fn thousands_of_answers_in_a_flood_are_sound() -> Result<()> {
    let scene = Scene::challenging(Place::Uplink, READY)?;
    for destination in [IpAddr::from(CONTAINER), CONTAINER6.into()] {
        for tags in TAGS {
            let dress = Dress {
                vlans: vlans(tags),
                ecn: false,
            };
            let plan = Plan {
                destination,
                dress,
                network: None,
                per_second: FLOOD,
            };
            sound_answers(&scene, &plan, tags)
                .with_context(|| format!("{destination}, {tags:?}"))?;
        }
    }
    Ok(())
}

fn sound_answers(scene: &Scene, plan: &Plan, tags: &[u16]) -> Result<()> {
    let topology = &scene.lab.topology;
    let syn_acks = SynAcks::first(&topology.internet, PROVIDER_END, ANSWERS)?;
    let before = scene.answered()?;
    let crowd = Crowd::send(topology, plan)?;
    let seen = syn_acks.all()?;
    crowd.stop()?;
    let answered = scene.answered()? - before;
    ensure!(seen.len() == ANSWERS, "{} answers", seen.len());
    ensure!(answered >= ANSWERS as u64, "{answered} answered");
    for syn_ack in seen {
        ensure!(syn_ack.sound && syn_ack.tags == tags, "{syn_ack:?}");
    }
    Ok(())
}
