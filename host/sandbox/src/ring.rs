//! What a process gives up for good before it touches what a stranger made.
//!
//! Everything here works without privileges, in containers too. A kernel may lack Landlock or seccomp; what is missing is
//! named, so that it can be said or refused.

use std::{fs, io};

use anyhow::{Context as _, Result, ensure};
use landlock::{ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetStatus, Scope};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter_all_threads};

/// What a confined process may still use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Address space beyond what the process has already.
    pub(super) memory_bytes: u64,
    /// Processor time of all threads together.
    pub(super) cpu_seconds: u64,
}

/// System calls that computing takes: memory, waiting for other threads, reading and writing what is open, ending.
/// None opens, connects, starts or signals anything else. Threads are not among them: they are started before.
const COMPUTING: [libc::c_long; 28] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Takes away memory, processor time, new files, and every path and port. To be called while there is one thread: those
/// that are started later inherit it. Returns what the kernel cannot do.
pub(super) fn limit(allowance: Allowance) -> Result<Vec<&'static str>> {
    let Allowance { memory_bytes, cpu_seconds } = allowance;
    let limits = [
        (libc::RLIMIT_AS, own_address_space_bytes()?.saturating_add(memory_bytes)),
        (libc::RLIMIT_CPU, cpu_seconds.max(1)),
        (libc::RLIMIT_FSIZE, 0),
        (libc::RLIMIT_CORE, 0),
        // Those that are open stay so.
        (libc::RLIMIT_NOFILE, 3),
    ];
    // Landlock needs a descriptor, so it comes before the limit on them.
    let landlocked = landlock().context("Landlock")?;
    for (resource, most) in limits {
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        // SAFETY: the structure outlives the call, which only reads it.
        let failed = unsafe { libc::setrlimit(resource, &limit) } != 0;
        ensure!(!failed, "cannot set a limit of this process: {}", io::Error::last_os_error());
    }
    Ok(if landlocked { Vec::new() } else { vec!["Landlock"] })
}

/// Leaves every thread of the process the system calls of computing. Returns what the kernel cannot do.
pub(super) fn seal() -> Result<Vec<&'static str>> {
    let rules = COMPUTING.into_iter().map(|call| (call, Vec::new())).collect();
    let arch = TargetArch::try_from(std::env::consts::ARCH).context("seccomp on this processor")?;
    // Refused and not killed: what is refused shows in the caller's error.
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch)?;
    let program = BpfProgram::try_from(filter)?;
    Ok(match apply_filter_all_threads(&program) {
        Ok(()) => Vec::new(),
        Err(_) => vec!["seccomp"],
    })
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
fn own_address_space_bytes() -> Result<u64> {
    let text = fs::read_to_string("/proc/self/statm").context("/proc is not mounted")?;
    let pages: u64 = text.split(' ').next().unwrap_or_default().parse().context("/proc/self/statm")?;
    Ok(pages * 4096)
}

#[cfg(test)]
mod tests {
    use std::{env, fs::File, net::TcpListener, process::Command, thread};

    use super::*;

    /// Set in the process that the test starts, to what it gives up.
    const CONFINED: &str = "AZR_TEST_CONFINED";

    /// What escaping code would do, by name, and whether the kernel let it.
    fn attempts(victim: &str) -> Vec<(&'static str, bool)> {
        // SAFETY: a child that only ends; the parent waits for it.
        let forked = || unsafe {
            match libc::fork() {
                0 => libc::_exit(0),
                child => child > 0 && libc::waitpid(child, std::ptr::null_mut(), 0) == child,
            }
        };
        let parent = std::os::unix::process::parent_id().cast_signed();
        // SAFETY: signal 0 only asks whether it could be sent.
        let signalled = || unsafe { libc::kill(parent, 0) == 0 };
        let mut memory = 0_u64;
        let local = libc::iovec { iov_base: (&raw mut memory).cast(), iov_len: 8 };
        vec![
            ("reads a file", File::open("/etc/passwd").is_ok()),
            ("makes a file", File::create(victim).is_ok()),
            ("listens", TcpListener::bind("127.0.0.1:0").is_ok()),
            ("starts a program", Command::new("/bin/true").status().is_ok()),
            ("forks", forked()),
            ("starts a thread", thread::Builder::new().spawn(|| ()).is_ok()),
            ("signals its parent", signalled()),
            ("reads another process's memory", {
                // SAFETY: the remote range is this process's own, and as large as the local one.
                unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &local, 1, 0) == 8 }
            }),
            ("takes eight gigabytes", Vec::<u8>::new().try_reserve_exact(8 << 30).is_ok()),
        ]
    }

    /// What `escapes` runs in a process of its own. It does nothing in the test's own process.
    #[test]
    fn attempt() {
        let Ok(steps) = env::var(CONFINED) else { return };
        let victim = env::temp_dir().join(format!("azr-escape-{}", std::process::id()));
        let victim = victim.to_str().unwrap().to_owned();
        let mut missing = Vec::new();
        if steps.contains("limit") {
            missing.extend(limit(Allowance { memory_bytes: 1 << 30, cpu_seconds: 60 }).unwrap());
        }
        if steps.contains("seal") {
            missing.extend(seal().unwrap());
        }
        let succeeded: Vec<_> = attempts(&victim).into_iter().filter(|(_, done)| *done).map(|(what, _)| what).collect();
        let _ = fs::remove_file(&victim);
        println!("missing {missing:?} succeeded {succeeded:?} end");
    }

    /// What succeeds in a process that gave up what `steps` says.
    fn succeeded(steps: &str) -> String {
        let attempt = Command::new(env::current_exe().unwrap())
            .args(["--exact", "ring::tests::attempt", "--nocapture", "--test-threads=1"])
            .env(CONFINED, steps)
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&attempt.stdout).into_owned();
        let found = out.split("missing ").nth(1).and_then(|rest| rest.split(" end").next());
        found.unwrap_or_else(|| panic!("{out}{}", String::from_utf8_lossy(&attempt.stderr))).to_owned()
    }

    #[test]
    fn a_confined_process_reaches_nothing_and_an_open_one_everything() {
        let all = succeeded("nothing");
        for (what, _) in attempts_named() {
            assert!(all.contains(what), "{what} fails without confinement: {all}");
        }
        assert_eq!(succeeded("limit seal"), "[] succeeded []");
        // Each of the two alone leaves something.
        let limited = succeeded("limit");
        assert!(limited.contains("forks") && !limited.contains("reads a file"), "{limited}");
        let sealed = succeeded("seal");
        assert!(sealed.contains("takes eight gigabytes") && !sealed.contains("forks"), "{sealed}");
    }

    fn attempts_named() -> [(&'static str, ()); 9] {
        [
            "reads a file",
            "makes a file",
            "listens",
            "starts a program",
            "forks",
            "starts a thread",
            "signals its parent",
            "reads another process's memory",
            "takes eight gigabytes",
        ]
        .map(|what| (what, ()))
    }
}
