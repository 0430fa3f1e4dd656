//! The SYN-ACKs are sound, and their options what both ends then use.

use std::net::IpAddr;

use anyhow::{Result, ensure};
use synguard_tests::address::{CONTAINER, CONTAINER6, client, client6};
use synguard_tests::syn_acks::SynAcks;
use synguard_tests::topology::PROVIDER_END;

use super::{CLIENTS, Place, READY, SLOW, Scene, connection, shifts};
use crate::support::number;

#[test]
fn downloads_are_whole_and_every_answer_is_sound() -> Result<()> {
    let scene = Scene::challenging(Place::Server, READY)?;
    let syn_acks = SynAcks::start(&scene.lab.topology.internet, PROVIDER_END)?;
    scene.all_download()?;
    let seen = syn_acks.finish(2 * CLIENTS)?;
    ensure!(scene.answered()? == 2 * CLIENTS as u64);
    ensure!(seen.len() == 2 * CLIENTS, "{seen:#?}");
    for syn_ack in seen {
        ensure!(syn_ack.sound, "{syn_ack:?}");
        ensure!(syn_ack.header_len == 40, "{syn_ack:?}");
        ensure!(syn_ack.options == [true; 4], "{syn_ack:?}");
    }
    Ok(())
}

#[test]
fn both_ends_agree_on_the_options() -> Result<()> {
    for place in [Place::Server, Place::Uplink] {
        agree_on_the_options(&Scene::challenging(place, READY)?)?;
    }
    Ok(())
}

fn agree_on_the_options(scene: &Scene) -> Result<()> {
    let topology = &scene.lab.topology;
    let _under_way = scene.download(0, SLOW)?;
    for (client, server) in [
        (IpAddr::from(client(0)), IpAddr::from(CONTAINER)),
        (client6(0).into(), CONTAINER6.into()),
    ] {
        let near = connection(&topology.internet, client, server)?;
        let far = connection(&topology.container, server, client)?;
        for option in [" ts ", " sack "] {
            ensure!(near.contains(option) && far.contains(option), "{near}{far}");
        }
        let (sends, receives) = shifts(&near)?;
        ensure!(shifts(&far)? == (receives, sends), "{near}{far}");
        ensure!(sends > 0 && receives > 0, "{near}");
    }
    ensure!(scene.answered()? == 2);
    Ok(())
}

#[test]
fn without_the_sysctl_for_timestamps_there_are_no_options() -> Result<()> {
    let scene = Scene::challenging(Place::Server, &[("tcp_syncookies", "2")])?;
    scene.controller.wait_for("net.ipv4.tcp_timestamps=2")?;
    let syn_acks = SynAcks::start(&scene.lab.topology.internet, PROVIDER_END)?;
    scene.all_download()?;
    for syn_ack in syn_acks.finish(2 * CLIENTS)? {
        ensure!(syn_ack.sound, "{syn_ack:?}");
        ensure!(
            syn_ack.options == [true, false, false, false],
            "{syn_ack:?}"
        );
    }
    ensure!(scene.answered()? == 2 * CLIENTS as u64);
    Ok(())
}

#[test]
fn without_the_sysctl_for_cookies_the_kernel_answers() -> Result<()> {
    let scene = Scene::challenging(Place::Server, &[])?;
    scene.controller.wait_for("net.ipv4.tcp_syncookies=2")?;
    scene.all_download()?;
    ensure!(scene.answered()? == 0);
    let passed = number(&scene.synguard.status()?, "/passed/syn_no_listener")?;
    ensure!(passed == 2 * CLIENTS as u64, "{passed}");
    Ok(())
}
