//! What processes use, as Linux tells it.

/// Of several processes together.
#[derive(Clone, Copy, Default)]
pub(crate) struct Usage {
    /// CPU time in microseconds.
    pub cpu_micros: u64,
    /// Resident memory in KiB, now.
    pub resident_kib: u64,
    /// The most resident memory that there was, in KiB.
    pub peak_kib: u64,
}

impl Usage {
    /// The CPU time since then, and the memory as it is now.
    pub(crate) fn since(self, before: &Self) -> Self {
        Self { cpu_micros: self.cpu_micros.saturating_sub(before.cpu_micros), ..self }
    }
}

/// Reads `/proc`; a process that is not there counts as nothing.
pub(crate) fn usage(pids: &[u32]) -> Usage {
    let mut all = Usage::default();
    for pid in pids {
        all.cpu_micros += cpu_micros(*pid).unwrap_or_default();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        all.resident_kib += kib(&status, "VmRSS:");
        all.peak_kib += kib(&status, "VmHWM:");
    }
    all
}

/// From `schedstat` of every thread, which counts in nanoseconds.
fn cpu_micros(pid: u32) -> Option<u64> {
    let mut nanos = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).unwrap_or_default();
        nanos += text.split(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or_default();
    }
    Some(nanos / 1000)
}

fn kib(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}
