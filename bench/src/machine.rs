//! What the numbers were measured on: without it they mean nothing.

use std::fs;
use std::time::SystemTime;

use serde::Serialize;

/// One machine on one day.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub cpu: String,
    pub cores: usize,
    pub memory_mb: u64,
    pub kernel: String,
    pub virtual_machine: bool,
    pub date: String,
}

impl Machine {
    /// This one, now. What cannot be read is empty: it only explains numbers.
    pub fn here() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: field(&cpu, "model name").unwrap_or_default().to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mb: kilobytes(&memory, "MemTotal").unwrap_or(0) / 1024,
            kernel: kernel.trim().to_owned(),
            virtual_machine: field(&cpu, "flags")
                .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor")),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        }
    }

    /// In one line.
    pub fn describe(&self) -> String {
        let kind = if self.virtual_machine {
            "virtual machine"
        } else {
            "machine"
        };
        format!(
            "{}, {}-core {kind}, {} MB, Linux {}, {}",
            self.cpu, self.cores, self.memory_mb, self.kernel, self.date
        )
    }
}

/// The first `name : value` in a file of /proc.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// A field in kB, of /proc/meminfo or a process's status.
pub fn kilobytes(text: &str, name: &str) -> Option<u64> {
    field(text, name)?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc() {
        let text = "MemTotal:       24683744 kB\nmodel name\t: AMD EPYC\n";
        assert_eq!(kilobytes(text, "MemTotal"), Some(24_683_744));
        assert_eq!(field(text, "model name"), Some("AMD EPYC"));
        assert_eq!(kilobytes(text, "VmRSS"), None);
    }
}
