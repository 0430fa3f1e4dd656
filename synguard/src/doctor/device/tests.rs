use super::*;
use crate::doctor::Level;
use crate::doctor::link::example;

const MACHINE: Machine = Machine {
    cpus: 4,
    page: 4096,
    multi_buffer: true,
};

fn xdp(native: bool, multi_buffer: bool) -> Option<XdpFeatures> {
    Some(XdpFeatures {
        native,
        multi_buffer,
    })
}

fn channels(combined: u32, max_combined: u32) -> Option<Channels> {
    Some(Channels {
        receive: combined,
        max_receive: max_combined,
        combined,
        max_combined,
    })
}

fn of_driver(driver: &str) -> Device {
    Device {
        driver: Some(driver.to_owned()),
        ..Device::default()
    }
}

#[test]
fn native_mode_is_as_the_kernel_tells() {
    for (xdp, in_use, level, words) in [
        (None, false, Level::Ok, "not known until attach"),
        (xdp(true, false), false, Level::Ok, "e1000e has it"),
        (xdp(false, false), false, Level::Warn, "generic mode"),
        (xdp(false, false), true, Level::Ok, "does it now"),
    ] {
        let device = Device {
            xdp,
            ..of_driver("e1000e")
        };
        let finding = of_native(&device, in_use);
        assert_eq!(finding.level, level, "{finding:?}");
        assert!(finding.reason.contains(words), "{finding:?}");
    }
}

#[test]
fn a_large_mtu_needs_several_buffers() {
    for (mtu, kernel_has_it, xdp, level) in [
        (1500, false, None, Level::Ok),
        (3502, false, None, Level::Ok),
        (3503, true, None, Level::Warn),
        (9000, true, xdp(true, true), Level::Ok),
        (9000, false, xdp(true, true), Level::Warn),
        (9000, true, xdp(true, false), Level::Warn),
        (9000, true, xdp(false, false), Level::Ok),
    ] {
        let link = Link {
            mtu,
            ..example(2, "eth0", None, None)
        };
        let machine = Machine {
            multi_buffer: kernel_has_it,
            ..MACHINE
        };
        let device = Device {
            xdp,
            ..Device::default()
        };
        let finding = of_mtu(&link, &device, &machine);
        assert_eq!(finding.level, level, "{mtu}: {finding:?}");
    }
}

#[test]
fn offloads_that_are_in_the_way_come_with_the_command() {
    for (lro, level) in [
        (None, Level::Ok),
        (Some(false), Level::Ok),
        (Some(true), Level::Warn),
    ] {
        let device = Device {
            lro,
            ..Device::default()
        };
        let finding = of_lro("eth0", &device);
        assert_eq!(finding.level, level);
        let remedy = (level == Level::Warn).then(|| "`ethtool -K eth0 lro off`".to_owned());
        assert_eq!(finding.remedy, remedy);
    }
    for (rx_vlan, has_vlans, level) in [
        (Some(true), false, Level::Ok),
        (Some(true), true, Level::Warn),
        (Some(false), true, Level::Warn),
        (None, false, Level::Ok),
    ] {
        let device = Device {
            rx_vlan,
            ..Device::default()
        };
        assert_eq!(of_vlans("eth0", &device, has_vlans).level, level);
    }
}

#[test]
fn queues_are_compared_with_the_cpus() {
    for (driver, channels, level, remedy) in [
        ("igb", None, Level::Ok, ""),
        ("igb", channels(4, 8), Level::Ok, ""),
        ("igb", channels(1, 1), Level::Ok, ""),
        (
            "igb",
            channels(1, 8),
            Level::Warn,
            "ethtool -L eth0 combined 4",
        ),
        ("virtio_net", channels(4, 8), Level::Ok, ""),
        ("virtio_net", channels(1, 5), Level::Ok, ""),
        (
            "virtio_net",
            channels(4, 6),
            Level::Warn,
            "ethtool -L eth0 combined 2",
        ),
        ("virtio_net", channels(1, 1), Level::Warn, "8 queues"),
        ("virtio_net", channels(4, 4), Level::Warn, "8 queues"),
    ] {
        let device = Device {
            channels,
            ..of_driver(driver)
        };
        let finding = of_queues("eth0", &device, MACHINE.cpus);
        assert_eq!(finding.level, level, "{driver} {channels:?}");
        let said = finding.remedy.unwrap_or_default();
        assert_eq!(said.is_empty(), remedy.is_empty(), "{said}");
        assert!(said.contains(remedy), "{said}");
    }
}
