//! What a process gives up for good before it touches what a stranger made.
//!
//! Everything here works without privileges, in containers too. A kernel may lack Landlock or seccomp; what is missing is
//! named, so that it can be said or refused.

use std::{collections::BTreeMap, fs, io};

use anyhow::{Context as _, Result, ensure};
use landlock::{ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetStatus, Scope};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

use super::guard::{Guard, Guards};

/// What a confined process may still use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Memory that it can write to, beyond what it has already.
    pub(super) memory_bytes: u64,
    /// Address space, beyond what it has already and that memory: what is only reserved costs page tables.
    pub(super) reserved_bytes: u64,
    /// Processor time of all threads together, where nobody else ends the process.
    pub(super) cpu_seconds: Option<u64>,
}

/// System calls that computing takes: memory, waiting for other threads, reading and writing what is open, ending.
/// None opens, connects, starts or signals anything else. Threads are started before, of which the last may still have to
/// register themselves with the kernel: glibc ends a process where it refuses that.
const COMPUTING: [libc::c_long; 24] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_gettid,
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Asks which pages of the own memory were written: `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: u64 = 0xc060_6610;

/// Takes away memory, processor time, new files, and every path and port. To be called while there is one thread: those
/// that are started later inherit it. Returns what the kernel cannot do.
pub(super) fn limit(allowance: Allowance, guards: Guards) -> Result<Vec<&'static str>> {
    let Allowance { memory_bytes, reserved_bytes, cpu_seconds } = allowance;
    let Pages { all, writable } = own_pages()?;
    // Landlock needs a descriptor, so it comes before the limit on them.
    let landlocked = !have(guards, Guard::Paths) || landlock().context("Landlock")?;
    if have(guards, Guard::ProcessLimits) {
        let memory = page_bytes(writable).saturating_add(memory_bytes);
        let address_space = page_bytes(all).saturating_add(memory_bytes).saturating_add(reserved_bytes);
        for (resource, most) in [
            (libc::RLIMIT_DATA, memory),
            (libc::RLIMIT_AS, address_space),
            (libc::RLIMIT_CPU, cpu_seconds.unwrap_or(libc::RLIM_INFINITY)),
            (libc::RLIMIT_FSIZE, 0),
            (libc::RLIMIT_CORE, 0),
            // Those that are open stay so.
            (libc::RLIMIT_NOFILE, 0),
        ] {
            set_limit(resource, most)?;
        }
    }
    Ok(if landlocked { Vec::new() } else { vec!["Landlock"] })
}

/// Leaves every thread of the process the system calls of computing, and no new code. Returns what the kernel cannot do.
pub(super) fn seal(guards: Guards) -> Result<Vec<&'static str>> {
    if have(guards, Guard::ProcessLimits) {
        set_limit(libc::RLIMIT_NPROC, 0)?;
    }
    if !have(guards, Guard::SystemCalls) {
        return Ok(Vec::new());
    }
    let arch = TargetArch::try_from(std::env::consts::ARCH).context("seccomp on this processor")?;
    // Refused and not killed: what is refused shows in the caller's error.
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let filter = SeccompFilter::new(computing()?, refuse, SeccompAction::Allow, arch)?;
    let program = BpfProgram::try_from(filter)?;
    Ok(match apply_filter_all_threads(&program) {
        Ok(()) => Vec::new(),
        Err(_) => vec!["seccomp"],
    })
}

fn computing() -> Result<BTreeMap<i64, Vec<SeccompRule>>> {
    let argument = |index, operator, value| SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value);
    // Memory that nobody shares and that does not grow as a stack does is what the limit on memory counts. None of it
    // becomes code.
    let private = (libc::MAP_PRIVATE | libc::MAP_SHARED | libc::MAP_GROWSDOWN).cast_unsigned().into();
    let (own, exec) = (libc::MAP_PRIVATE.cast_unsigned().into(), u64::from(libc::PROT_EXEC.cast_unsigned()));
    let mapped =
        vec![argument(2, SeccompCmpOp::MaskedEq(exec), 0)?, argument(3, SeccompCmpOp::MaskedEq(private), own)?];
    let protected = vec![argument(2, SeccompCmpOp::MaskedEq(exec), 0)?];
    let asked = vec![argument(1, SeccompCmpOp::Eq, PAGEMAP_SCAN)?];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = COMPUTING.into_iter().map(|call| (call, Vec::new())).collect();
    for (call, conditions) in [(libc::SYS_mmap, mapped), (libc::SYS_mprotect, protected), (libc::SYS_ioctl, asked)] {
        rules.insert(call, vec![SeccompRule::new(conditions)?]);
    }
    Ok(rules)
}

fn have(guards: Guards, guard: Guard) -> bool {
    guards.have(guard) && guards.have(Guard::Confinement)
}

/// Allows this process as many open files as it may allow itself.
pub(super) fn raise_open_files() -> Result<()> {
    let libc::rlimit { rlim_max: most, .. } = get_limit(libc::RLIMIT_NOFILE)?;
    set_limits(libc::RLIMIT_NOFILE, libc::rlimit { rlim_cur: most, rlim_max: most })
}

fn set_limit(resource: libc::__rlimit_resource_t, most: u64) -> Result<()> {
    // Whoever started us may have set less.
    let most = most.min(get_limit(resource)?.rlim_max);
    set_limits(resource, libc::rlimit { rlim_cur: most, rlim_max: most })
}

fn get_limit(resource: libc::__rlimit_resource_t) -> Result<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure outlives the call, which writes to it.
    let failed = unsafe { libc::getrlimit(resource, &mut limit) } != 0;
    ensure!(!failed, "cannot read a limit of this process: {}", io::Error::last_os_error());
    Ok(limit)
}

fn set_limits(resource: libc::__rlimit_resource_t, limit: libc::rlimit) -> Result<()> {
    // SAFETY: the structure outlives the call, which only reads it.
    let failed = unsafe { libc::setrlimit(resource, &limit) } != 0;
    ensure!(!failed, "cannot set a limit of this process: {}", io::Error::last_os_error());
    Ok(())
}

/// Whether the kernel took all paths away. New privileges are given up too, also where it cannot.
fn landlock() -> Result<bool> {
    // Accesses that a kernel does not know are left out by it.
    let abi = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    ensure!(status.no_new_privs, "this process cannot give up new privileges");
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// What this process has mapped; with a large library it is much before it has done anything.
struct Pages {
    all: u64,
    writable: u64,
}

fn own_pages() -> Result<Pages> {
    let text = fs::read_to_string("/proc/self/statm").context("/proc is not mounted")?;
    // In pages: everything, resident, shared, code, nothing, data with the stack.
    let pages: Vec<u64> =
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().context("/proc/self/statm")?;
    let [all, _, _, _, _, writable, ..] = *pages else { anyhow::bail!("/proc/self/statm holds {text:?}") };
    Ok(Pages { all, writable })
}

fn page_bytes(pages: u64) -> u64 {
    pages.saturating_mul(4096)
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use super::*;
    use crate::escape::attempt;

    /// Set in the process that the test starts, to what it gives up.
    const CONFINED: &str = "AZR_TEST_CONFINED";

    const ATTACKS: [&str; 10] = [
        "read",
        "fill-the-disk",
        "listen",
        "execute",
        "fork",
        "signal-the-parent",
        "take-memory",
        "take-shared-memory",
        "take-stack-memory",
        "make-code",
    ];

    /// What `succeeded` runs in a process of its own. It does nothing in the test's own process.
    #[test]
    fn attempts() {
        let Ok(steps) = env::var(CONFINED) else { return };
        let made = env::temp_dir().join(format!("azr-escape-{}", std::process::id()));
        let made = made.to_str().unwrap().to_owned();
        let mut missing = Vec::new();
        if steps.contains("limit") {
            let allowance = Allowance { memory_bytes: 1 << 30, reserved_bytes: 1 << 40, cpu_seconds: Some(60) };
            missing.extend(limit(allowance, Guards::ALL).unwrap());
        }
        if steps.contains("seal") {
            missing.extend(seal(Guards::ALL).unwrap());
        }
        let target = |attack: &str| if attack == "read" { "/etc/passwd" } else { &made };
        let done: Vec<_> = ATTACKS.into_iter().filter(|attack| attempt(attack, target(attack)).unwrap()).collect();
        let _ = fs::remove_file(&made);
        println!("missing {missing:?} succeeded {done:?} end");
    }

    /// What succeeds in a process that gave up what `steps` says.
    fn succeeded(steps: &str) -> String {
        let attempt = Command::new(env::current_exe().unwrap())
            .args(["--exact", "ring::tests::attempts", "--nocapture", "--test-threads=1"])
            .env(CONFINED, steps)
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&attempt.stdout).into_owned();
        let found = out.split("missing ").nth(1).and_then(|rest| rest.split(" end").next());
        found.unwrap_or_else(|| panic!("{out}{}", String::from_utf8_lossy(&attempt.stderr))).to_owned()
    }

    #[test]
    fn a_confined_process_reaches_nothing_and_an_open_one_everything() {
        assert_eq!(succeeded("nothing"), format!("[] succeeded {ATTACKS:?}"));
        assert_eq!(succeeded("limit seal"), "[] succeeded []");
        // Each of the two alone leaves something. The second bounds what the first does not count as memory.
        let limited = succeeded("limit");
        assert!(limited.contains("fork") && limited.contains("take-shared-memory"), "{limited}");
        assert!(!limited.contains("read") && !limited.contains("take-memory"), "{limited}");
        let sealed = succeeded("seal");
        assert_eq!(sealed, "[] succeeded [\"take-memory\"]");
    }
}
