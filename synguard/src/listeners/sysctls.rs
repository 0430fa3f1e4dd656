//! What a network namespace lets its listeners answer.

use std::fs;

/// The largest window shift that there is (RFC 7323 section 2.3).
const MAX_SHIFT: u32 = 14;
/// Of the receive buffer, at least a quarter is window: 65/256 on Linux 6.6 to 6.9, half
/// of it before and after (`tcp_win_from_space` in `include/net/tcp.h`).
const WINDOW_SHARE: u32 = 2;

/// Settings of one namespace, under `/proc/sys/net`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sysctls {
    /// `ipv4.tcp_syncookies`: 0 never, 1 while a backlog is full, 2 always.
    pub syncookies: u32,
    /// `ipv4.tcp_timestamps`: 0 none, 1 with a random offset, 2 without.
    pub timestamps: u32,
    /// `ipv4.tcp_sack`.
    pub sack: u32,
    /// `ipv4.tcp_window_scaling`.
    pub window_scaling: u32,
    /// `ipv4.tcp_ecn`.
    pub ecn: u32,
    /// The receive buffer, in bytes, of whom no program gave another: `ipv4.tcp_rmem`.
    pub rcvbuf: u32,
    /// The largest buffer, in bytes, that the kernel gives by itself: `ipv4.tcp_rmem`.
    pub rcvbuf_max: u32,
    /// The largest, in bytes, that a program can ask for: `core.rmem_max`. It is one for
    /// the whole kernel; before Linux 6.10 only the initial namespace shows it, and the
    /// others read 0.
    pub rmem_max: u32,
    /// By how many bits the window is less than the receive buffer:
    /// `ipv4.tcp_adv_win_scale`, where it is negative.
    pub window_share: u32,
}

impl Sysctls {
    /// Those of the calling thread's namespace.
    pub fn read() -> Self {
        Self::from(|path| fs::read_to_string(format!("/proc/sys/net/{path}")).ok())
    }

    /// What cannot be read counts as 0, which promises least.
    fn from(text: impl Fn(&str) -> Option<String>) -> Self {
        let numbers = |path| -> Vec<i64> {
            let text = text(path).unwrap_or_default();
            text.split_whitespace()
                .filter_map(|word| word.parse().ok())
                .collect()
        };
        let at = |numbers: &[i64], place: usize| {
            numbers
                .get(place)
                .and_then(|number| u32::try_from(*number).ok())
                .unwrap_or(0)
        };
        let number = |path| at(&numbers(path), 0);
        let rmem = numbers("ipv4/tcp_rmem");
        let scale = numbers("ipv4/tcp_adv_win_scale");
        Self {
            syncookies: number("ipv4/tcp_syncookies"),
            timestamps: number("ipv4/tcp_timestamps"),
            sack: number("ipv4/tcp_sack"),
            window_scaling: number("ipv4/tcp_window_scaling"),
            ecn: number("ipv4/tcp_ecn"),
            rcvbuf: at(&rmem, 1),
            rcvbuf_max: at(&rmem, 2),
            rmem_max: number("core/rmem_max"),
            window_share: scale.first().map_or(0, |scale| at(&[-scale], 0)),
        }
    }

    /// The window shift that a cookie's reply may promise for a listener with a receive
    /// buffer of `rcvbuf` bytes: never above what the kernel chooses when it accepts the
    /// cookie (`cookie_v4_check` in `net/ipv4/syncookies.c`, `tcp_select_initial_window`
    /// in `net/ipv4/tcp_output.c`), or the peer sends more than the window.
    ///
    /// A buffer that a program set (SO_RCVBUF) limits the window. A window that is limited
    /// by other means (TCP_WINDOW_CLAMP, `ip route … window`) is not known of.
    pub fn shift(&self, rcvbuf: u32, is_set: bool) -> u32 {
        let largest = self.rcvbuf_max.max(self.rmem_max);
        let space = if is_set {
            self.window(rcvbuf)
        } else {
            largest.max(self.window(rcvbuf))
        };
        let bits = space.checked_ilog2().unwrap_or(0);
        bits.saturating_sub(15).min(MAX_SHIFT)
    }

    /// As much of a receive buffer as is window, at least.
    fn window(&self, rcvbuf: u32) -> u32 {
        let share = self.window_share.max(WINDOW_SHARE);
        rcvbuf.checked_shr(share).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: u32 = 131_072;

    fn sysctls(changed: &[(&str, &str)]) -> Sysctls {
        Sysctls::from(|path| {
            let usual = match path {
                "ipv4/tcp_rmem" => "4096\t131072\t6291456\n",
                "core/rmem_max" => "212992\n",
                "ipv4/tcp_syncookies" | "ipv4/tcp_timestamps" | "ipv4/tcp_ecn" => "2\n",
                _ => "1\n",
            };
            let changed = changed.iter().find(|(name, _)| *name == path);
            Some(changed.map_or(usual, |(_, value)| value).to_owned())
        })
    }

    #[test]
    fn each_is_read_from_its_file() {
        let read = sysctls(&[
            ("ipv4/tcp_sack", "0\n"),
            ("ipv4/tcp_ecn", "3\n"),
            ("ipv4/tcp_adv_win_scale", "-4\n"),
        ]);
        let expected = Sysctls {
            syncookies: 2,
            timestamps: 2,
            sack: 0,
            window_scaling: 1,
            ecn: 3,
            rcvbuf: DEFAULT,
            rcvbuf_max: 6_291_456,
            rmem_max: 212_992,
            window_share: 4,
        };
        assert_eq!(read, expected);
        assert_eq!(Sysctls::from(|_| None), Sysctls::default());
    }

    #[test]
    fn without_so_rcvbuf_the_shift_is_that_of_the_largest_buffer() {
        for (tcp_rmem, rmem_max, shift) in [
            ("4096 131072 6291456", "212992", 7),
            ("4096 131072 33554432", "212992", 10),
            ("4096 131072 6291456", "67108864", 11),
            ("4096 131072 2147483647", "212992", 14),
            ("4096 131072 4096", "4096", 0),
        ] {
            let both = [("ipv4/tcp_rmem", tcp_rmem), ("core/rmem_max", rmem_max)];
            let shift_of = sysctls(&both).shift(DEFAULT, false);
            assert_eq!(shift_of, shift, "{tcp_rmem}, {rmem_max}");
        }
        assert_eq!(Sysctls::default().shift(0, false), 0);
    }

    #[test]
    fn with_so_rcvbuf_the_shift_is_that_of_the_buffer() {
        for (rcvbuf, adv_win_scale, shift) in [
            (0, "1", 0),
            (2_304, "1", 0),
            (DEFAULT, "1", 0),
            (262_143, "1", 0),
            (262_144, "1", 1),
            (1 << 20, "1", 3),
            (1 << 20, "2", 3),
            (1 << 20, "-2", 3),
            (1 << 20, "-3", 2),
            (1 << 20, "-31", 0),
            (u32::MAX, "1", 14),
        ] {
            let scale = [("ipv4/tcp_adv_win_scale", adv_win_scale)];
            let shift_of = sysctls(&scale).shift(rcvbuf, true);
            assert_eq!(shift_of, shift, "{rcvbuf}, {adv_win_scale}");
        }
    }
}
