//! What the driver of an interface does, and what that means for native mode, in which
//! the driver itself runs the filter.

mod ethtool;
mod netdev;

use super::Finding;
use crate::interface::Link;

/// What Ethernet carries without being asked: native mode takes it on every driver.
const USUAL_MTU: u32 = 1500;
/// What a page must hold besides the payload where a frame is in one buffer: the room
/// before it (`XDP_PACKET_HEADROOM`, 256 bytes), `struct skb_shared_info` behind it (320
/// bytes), and an Ethernet header with a tag.
const BESIDE_PAYLOAD: u32 = 256 + 320 + 18;

/// What can be asked of a driver. What it does not tell is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its name, as in `ethtool -i`.
    pub driver: Option<String>,
    /// From Linux 6.3 on.
    pub xdp: Option<XdpFeatures>,
    /// Whether it joins packets before XDP sees them.
    pub lro: Option<bool>,
    /// Whether it takes VLAN tags off what comes in.
    pub rx_vlan: Option<bool>,
    /// As in `ethtool -l`.
    pub channels: Option<Channels>,
}

/// What a driver can do with XDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpFeatures {
    /// Whether it runs programs at all.
    pub native: bool,
    /// Whether it does for frames of more than one buffer.
    pub multi_buffer: bool,
}

/// Queues of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// That packets come in by.
    pub receive: u32,
    /// As many of those as there could be, as the driver uses them now.
    pub max_receive: u32,
    /// That are used in both directions.
    pub combined: u32,
    /// As many of those as there could be.
    pub max_combined: u32,
}

/// What the machine brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// How many CPUs there can be.
    pub cpus: u32,
    /// Of memory, in bytes.
    pub page: u32,
    /// Whether the kernel has multi-buffer XDP.
    pub multi_buffer: bool,
}

impl Device {
    /// Asks the driver of this interface.
    pub fn read(link: &Link) -> Self {
        let xdp = netdev::xdp_features(link.interface.index);
        let Ok(ethtool) = ethtool::Ethtool::open(&link.interface.name) else {
            return Self {
                xdp,
                ..Self::default()
            };
        };
        let offloads = ethtool.offloads();
        Self {
            driver: ethtool.driver(),
            xdp,
            lro: offloads.as_ref().map(|offloads| offloads.lro),
            rx_vlan: offloads.map(|offloads| offloads.rx_vlan),
            channels: ethtool.channels(),
        }
    }

    fn name(&self) -> &str {
        self.driver.as_deref().unwrap_or("the driver")
    }
}

/// Judges it. `has_vlans`: interfaces of VLANs stand on it.
pub fn of_device(link: &Link, device: &Device, machine: &Machine, has_vlans: bool) -> Vec<Finding> {
    let name = &link.interface.name;
    vec![
        of_native(device, link.interface.xdp.is_some_and(|xdp| xdp.native)),
        of_mtu(link, device, machine),
        of_lro(name, device),
        of_vlans(name, device, has_vlans),
        of_queues(name, device, machine.cpus),
    ]
}

fn of_native(device: &Device, in_use: bool) -> Finding {
    const TOPIC: &str = "native XDP";
    let driver = device.name();
    match device.xdp {
        _ if in_use => Finding::ok(TOPIC, format!("{driver} does it now")),
        Some(XdpFeatures { native: true, .. }) => Finding::ok(TOPIC, format!("{driver} has it")),
        Some(_) => Finding::warn(
            TOPIC,
            format!("{driver} does not have it: attach takes generic mode, which is slower"),
            "for large floods, a card whose driver has it".to_owned(),
        ),
        None => Finding::ok(
            TOPIC,
            format!(
                "whether {driver} has it is not known until attach tries it (the kernel tells \
                 from Linux 6.3 on); where not, attach takes generic mode"
            ),
        ),
    }
}

fn of_mtu(link: &Link, device: &Device, machine: &Machine) -> Finding {
    const TOPIC: &str = "MTU";
    let (name, mtu) = (&link.interface.name, link.mtu);
    let one_buffer = machine.page.saturating_sub(BESIDE_PAYLOAD);
    let doubt = match (machine.multi_buffer, device.xdp) {
        _ if mtu <= one_buffer => return Finding::ok(TOPIC, format!("{mtu} bytes")),
        (_, Some(XdpFeatures { native: false, .. })) => {
            return Finding::ok(TOPIC, format!("{mtu} bytes, which generic mode takes"));
        }
        (false, _) => "this kernel has no multi-buffer XDP (from Linux 5.18 on)",
        (_, Some(xdp)) if xdp.multi_buffer => {
            return Finding::ok(TOPIC, format!("{mtu} bytes, in several buffers"));
        }
        (_, Some(_)) => "the driver takes frames of one buffer alone",
        (_, None) => "whether the driver takes frames of several buffers is not known",
    };
    Finding::warn(
        TOPIC,
        format!(
            "{mtu} bytes: native mode may be refused above {one_buffer} ({doubt}); attach then \
             takes generic mode"
        ),
        format!("where its network allows: `ip link set dev {name} mtu {USUAL_MTU}`"),
    )
}

fn of_lro(name: &str, device: &Device) -> Finding {
    const TOPIC: &str = "LRO";
    match device.lro {
        Some(true) => Finding::warn(
            TOPIC,
            "on: packets are joined before XDP sees them, and some drivers refuse native mode"
                .to_owned(),
            format!("`ethtool -K {name} lro off`"),
        ),
        Some(false) => Finding::ok(TOPIC, "off"),
        None => Finding::ok(TOPIC, "the driver tells nothing of it"),
    }
}

fn of_vlans(name: &str, device: &Device, has_vlans: bool) -> Finding {
    const TOPIC: &str = "VLAN offload";
    let state = match device.rx_vlan {
        Some(true) => "on",
        Some(false) => "off",
        None => "not told by the driver",
    };
    if !has_vlans {
        return Finding::ok(TOPIC, format!("{state}; no VLAN stands on {name}"));
    }
    Finding::warn(
        TOPIC,
        format!(
            "{state}; VLANs stand on {name}: it is filtered with them, but native mode does not \
             answer SYNs with cookies, as cards take the tags off"
        ),
        format!("for cookies: `synguard attach {name} --mode generic`"),
    )
}

fn of_queues(name: &str, device: &Device, cpus: u32) -> Finding {
    const TOPIC: &str = "queues";
    let Some(channels) = device.channels else {
        return Finding::ok(TOPIC, "the driver tells no number");
    };
    let Channels {
        receive,
        max_receive,
        combined,
        max_combined,
    } = channels;
    let is = format!("{receive} for receiving, of {max_receive} at most, for {cpus} CPUs");
    if device.driver.as_deref() == Some("virtio_net") {
        return of_virtio_queues(name, channels, cpus, &is);
    }
    let best = max_combined.min(cpus);
    if combined != 0 && combined < best {
        return Finding::warn(
            TOPIC,
            format!("{is}: fewer CPUs filter than could"),
            format!("`ethtool -L {name} combined {best}`"),
        );
    }
    Finding::ok(TOPIC, is)
}

/// Besides the queues in use, virtio_net wants one of each CPU's own to send by
/// (`virtnet_xdp_set` in `drivers/net/virtio_net.c`).
fn of_virtio_queues(name: &str, channels: Channels, cpus: u32, is: &str) -> Finding {
    const TOPIC: &str = "queues";
    let needed = channels.combined + cpus;
    if channels.max_combined >= needed {
        return Finding::ok(TOPIC, is);
    }
    let remedy = match channels.max_combined.saturating_sub(cpus) {
        0 => format!(
            "give the virtual machine {} queues (QEMU: `queues=`, libvirt: `<driver queues=…>`)",
            2 * cpus
        ),
        left => format!("`ethtool -L {name} combined {left}`"),
    };
    Finding::warn(
        TOPIC,
        format!(
            "{is}: in native mode virtio_net wants {needed}, one more for each CPU; with fewer, \
             answers with SYN cookies wait for each other, and old kernels refuse native mode"
        ),
        remedy,
    )
}

#[cfg(test)]
mod tests;
