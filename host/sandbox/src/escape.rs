//! For tests of the confinement: what code would do that got out of a guest. It is host code in the process where guests
//! are, it runs where they run, and it makes the system calls of an attacker.

use std::{
    fs::File,
    io::Write as _,
    net::{TcpListener, TcpStream},
    os::unix::process::parent_id,
    process::Command,
    ptr, thread,
};

/// A request that begins with this is for `asked` and not for a guest.
#[cfg(feature = "test-guards")]
const MARK: &[u8] = b"escape:";
/// More than any process of ours may have.
const MUCH_BYTES: usize = 8 << 30;

/// What a request wants to be tried, as `escape:ATTACK TARGET`, and what became of it: `done` or `refused`.
#[cfg(feature = "test-guards")]
pub(super) fn asked(request: &[u8]) -> Option<String> {
    let wanted = std::str::from_utf8(request.strip_prefix(MARK)?).ok()?;
    let (attack, target) = wanted.split_once(' ').unwrap_or((wanted, ""));
    let done = attempt(attack, target).unwrap_or_else(|| panic!("no attack {attack:?}"));
    Some(if done { "done" } else { "refused" }.into())
}

/// Whether the kernel let it.
pub(super) fn attempt(attack: &str, target: &str) -> Option<bool> {
    let mapped = |bytes, protection, flags| {
        // SAFETY: a new mapping that nobody uses.
        let address = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags | libc::MAP_ANONYMOUS, -1, 0) };
        if address != libc::MAP_FAILED {
            // SAFETY: it was mapped just now.
            unsafe { libc::munmap(address, bytes) };
        }
        address != libc::MAP_FAILED
    };
    let writable = libc::PROT_READ | libc::PROT_WRITE;
    let parent = parent_id().cast_signed();
    Some(match attack {
        "read" => File::open(target).is_ok(),
        "fill-the-disk" => File::create(target).and_then(|mut file| file.write_all(&[1; 1 << 20])).is_ok(),
        "connect" => TcpStream::connect(target).is_ok(),
        "listen" => TcpListener::bind("127.0.0.1:0").is_ok(),
        "execute" => Command::new("/bin/true").status().is_ok(),
        // SAFETY: a child that only ends; its parent waits for it.
        "fork" => unsafe {
            match libc::fork() {
                0 => libc::_exit(0),
                child => child > 0 && libc::waitpid(child, ptr::null_mut(), 0) == child,
            }
        },
        "thread" => thread::Builder::new().spawn(|| ()).is_ok(),
        // SAFETY: signal 0 only asks whether one could be sent.
        "signal-the-parent" => unsafe { libc::kill(parent, 0) == 0 },
        // SAFETY: it is stopped, waited for and let go at once.
        "trace-the-parent" => unsafe {
            let none = ptr::null_mut::<libc::c_void>();
            libc::ptrace(libc::PTRACE_SEIZE, parent, none, none) == 0
                && libc::ptrace(libc::PTRACE_INTERRUPT, parent, none, none) == 0
                && libc::waitpid(parent, ptr::null_mut(), libc::__WALL) == parent
                && libc::ptrace(libc::PTRACE_DETACH, parent, none, none) == 0
        },
        "read-the-parent" => {
            let mut byte = 0_u8;
            let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
            let address: usize = target.parse().ok()?;
            let remote = libc::iovec { iov_base: ptr::with_exposed_provenance_mut(address), iov_len: 1 };
            // SAFETY: what is local is one byte of ours; what is remote is read only.
            unsafe { libc::process_vm_readv(parent, &local, 1, &remote, 1, 0) == 1 }
        }
        "take-memory" => mapped(MUCH_BYTES, writable, libc::MAP_PRIVATE),
        "take-shared-memory" => mapped(MUCH_BYTES, writable, libc::MAP_SHARED),
        "take-stack-memory" => mapped(MUCH_BYTES, writable, libc::MAP_PRIVATE | libc::MAP_GROWSDOWN),
        "make-code" => mapped(4096, writable | libc::PROT_EXEC, libc::MAP_PRIVATE),
        // SAFETY: the name is a string that ends with a zero.
        "make-file-in-memory" => unsafe { libc::memfd_create(c"escaped".as_ptr(), libc::MFD_CLOEXEC) >= 0 },
        "read-the-environment" => std::env::vars_os().next().is_some(),
        "die" => std::process::abort(),
        "hang" => loop {
            std::hint::spin_loop();
        },
        _ => return None,
    })
}
