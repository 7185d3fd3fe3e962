//! How much memory there is.

use azr_core::launch::local_ranks;

/// What a machine or a card has, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineMemory {
    pub total: u64,
    /// Not taken by others.
    pub free: u64,
}

impl MachineMemory {
    /// Of this machine, or of the control group that the process is confined to; shared with the other ranks there.
    pub fn of_machine() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let bytes = |key: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            Some(1024 * line.split_whitespace().next()?.parse::<u64>().ok()?)
        };
        let ranks = local_ranks().ok()? as u64;
        let limit = group_limit().unwrap_or(u64::MAX);
        let share = |bytes: u64| bytes.min(limit) / ranks;
        Some(Self { total: share(bytes("MemTotal:")?), free: share(bytes("MemAvailable:")?) })
    }
}

/// The smallest limit of the process's control groups; their first version has a group for memory alone.
fn group_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let file = match controllers {
            "" => format!("/sys/fs/cgroup{path}/memory.max"),
            "memory" => format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes"),
            _ => return None,
        };
        std::fs::read_to_string(file).ok()?.trim().parse().ok()
    });
    limits.min()
}
