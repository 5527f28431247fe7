//! What processes use, as Linux tells it: they and all that descend from them, for some servers are many processes.

use std::collections::HashMap;

/// What `/proc` counts time in: `USER_HZ`, which is 100 wherever Linux runs.
const MICROS_A_TICK: u64 = 10_000;

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

/// A line of `/proc/PID/stat`, as far as it is needed.
struct Process {
    parent: u32,
    ticks: u64,
}

/// Of these processes and their descendants. One that is not there counts as nothing; one that ended since counts with its
/// parent, which waited for it.
pub(crate) fn usage(roots: &[u32]) -> Usage {
    let mut all = Usage::default();
    if roots.is_empty() {
        return all;
    }
    let processes = processes();
    for (pid, process) in &processes {
        if !descends(*pid, roots, &processes) {
            continue;
        }
        all.cpu_micros += process.ticks * MICROS_A_TICK;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        all.resident_kib += kib(&status, "VmRSS:");
        all.peak_kib += kib(&status, "VmHWM:");
    }
    all
}

/// The time that cores had nothing to do in, or waited for a disk, in microseconds, since the machine started.
pub(crate) fn idle_micros() -> u64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let all = text.lines().next().unwrap_or_default();
    let idle = all.split_whitespace().skip(4).take(2);
    idle.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * MICROS_A_TICK
}

fn processes() -> HashMap<u32, Process> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return HashMap::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, process(&line)?))
    })
    .collect()
}

/// Reads the line of a process (proc(5)). Its name may hold spaces and parentheses: what counts begins after the last.
fn process(line: &str) -> Option<Process> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Own time in user mode and in the kernel, then that of children that were waited for.
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().unwrap_or_default()).sum();
    Some(Process { parent: fields.get(1)?.parse().ok()?, ticks })
}

fn descends(pid: u32, roots: &[u32], processes: &HashMap<u32, Process>) -> bool {
    let mut pid = pid;
    // Deeper than this is no tree of servers; and a table that changes while it is read may have a circle.
    for _ in 0..16 {
        if roots.contains(&pid) {
            return true;
        }
        let Some(process) = processes.get(&pid) else { return false };
        pid = process.parent;
    }
    false
}

fn kib(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 8 0 5 6 7";
        let process = process(line).unwrap();
        assert_eq!((process.parent, process.ticks), (7, 124));
    }

    #[test]
    fn children_and_their_children_belong_to_a_process() {
        let of = |parent| Process { parent, ticks: 0 };
        let processes = HashMap::from([(1, of(0)), (2, of(1)), (3, of(2)), (4, of(1)), (5, of(5))]);
        let of_two: Vec<u32> = (1..=5).filter(|pid| descends(*pid, &[2], &processes)).collect();
        assert_eq!(of_two, [2, 3]);
    }

    #[test]
    fn this_process_uses_something() {
        let own = usage(&[std::process::id()]);
        assert!(own.resident_kib > 0 && own.peak_kib >= own.resident_kib);
    }
}
