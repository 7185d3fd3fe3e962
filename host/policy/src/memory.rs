//! How much memory there is.

use std::path::Path;

use azr_core::launch::local_ranks;

/// What a machine or a GPU has, in bytes.
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
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let limit = group_limit(&groups, Path::new("/sys/fs/cgroup")).unwrap_or(u64::MAX);
        let share = |bytes: u64| bytes.min(limit) / ranks;
        Some(Self { total: share(bytes("MemTotal:")?), free: share(bytes("MemAvailable:")?) })
    }
}

/// The smallest limit of the control groups in `groups`, as `/proc/self/cgroup` names them, and of those that they are in:
/// Slurm and systemd limit a job or a service, of which the process's own group is a part. The first version of control
/// groups has a hierarchy for memory alone.
fn group_limit(groups: &str, mounted: &Path) -> Option<u64> {
    let limits = groups.lines().flat_map(|line| {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        let (hierarchy, file) = match controllers {
            "" => (mounted.to_owned(), "memory.max"),
            "memory" => (mounted.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        let limit = move |group: &Path| -> Option<u64> {
            std::fs::read_to_string(hierarchy.join(group).join(file)).ok()?.trim().parse().ok()
        };
        Path::new(group.trim_start_matches('/')).ancestors().filter_map(limit).min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_limit_of_a_group_and_those_around_it_counts() {
        let mounted = tempfile::tempdir().unwrap();
        let group = |path: &str, file: &str, limit: &str| {
            std::fs::create_dir_all(mounted.path().join(path)).unwrap();
            std::fs::write(mounted.path().join(path).join(file), limit).unwrap();
        };
        group("slurm/job_7/step_0", "memory.max", "max\n");
        group("slurm/job_7", "memory.max", "8589934592\n");
        group("slurm", "memory.max", "17179869184\n");
        group("memory/service/worker", "memory.limit_in_bytes", "9223372036854771712\n");
        group("memory/service", "memory.limit_in_bytes", "1073741824\n");
        let limit = |groups: &str| group_limit(groups, mounted.path());
        assert_eq!(limit("0::/slurm/job_7/step_0\n"), Some(8 << 30));
        assert_eq!(limit("4:memory:/service/worker\n1:name=systemd:/slurm/job_7\n"), Some(1 << 30));
        assert_eq!(limit("0::/\n"), None, "the root has no limit");
    }
}
