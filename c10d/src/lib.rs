//! The process groups of libtorch, c10d: a key-value store to meet at, and collectives over Gloo and NCCL.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! let timeout = Duration::from_secs(60);
//! let store = c10d::Store::connect("127.0.0.1", 29500, c10d::Role::Server, timeout)?;
//! let group = c10d::Group::gloo(&store, 0, 2, timeout)?;
//! let sum = tch::Tensor::from_slice(&[1.0f32, 2.0]);
//! group.all_reduce(&sum)?;
//! # Ok::<(), c10d::Error>(())
//! ```
//!
//! A collective blocks until every rank of the group has called the same one, or for the timeout that the group was
//! made with. A rank whose process ended is an error at once. After an error the group is of no more use.
//!
//! NCCL is only for machines with GPUs. Its group lies in a shared object of its own, `libazr_nccl.so`, which
//! [`Group::nccl`] loads: nothing else here needs CUDA, neither to compile nor to run.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    fmt, ptr,
    sync::OnceLock,
    time::Duration,
};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use tch::Tensor;
use torch_sys::C_tensor;

unsafe extern "C" {
    fn c10d_free(memory: *mut c_void);
    fn c10d_store(host: *const c_char, port: u16, serve: bool, timeout_ms: i64, out: *mut *mut c_void) -> *mut c_char;
    fn c10d_store_prefix(store: *mut c_void, prefix: *const c_char, out: *mut *mut c_void) -> *mut c_char;
    fn c10d_store_free(store: *mut c_void);
    fn c10d_store_set(store: *mut c_void, key: *const c_char, value: *const u8, length: usize) -> *mut c_char;
    fn c10d_store_get(
        store: *mut c_void,
        key: *const c_char,
        timeout_ms: i64,
        value: *mut *mut u8,
        length: *mut usize,
    ) -> *mut c_char;
    fn c10d_store_check(store: *mut c_void, key: *const c_char, found: *mut bool) -> *mut c_char;
    fn c10d_gloo(
        store: *mut c_void,
        rank: c_int,
        size: c_int,
        timeout_ms: i64,
        interface: *const c_char,
        out: *mut *mut c_void,
    ) -> *mut c_char;
    fn c10d_group_shutdown(group: *mut c_void) -> *mut c_char;
    fn c10d_group_free(group: *mut c_void);
    fn c10d_broadcast(group: *mut c_void, tensor: *const C_tensor, root: c_int) -> *mut c_char;
    fn c10d_all_reduce(group: *mut c_void, tensor: *const C_tensor) -> *mut c_char;
    fn c10d_reduce_scatter(group: *mut c_void, into: *const C_tensor, from: *const C_tensor) -> *mut c_char;
    fn c10d_all_gather(group: *mut c_void, into: *const C_tensor, from: *const C_tensor) -> *mut c_char;
    fn c10d_all_to_all(
        group: *mut c_void,
        into: *const C_tensor,
        into_counts: *const i64,
        from: *const C_tensor,
        from_counts: *const i64,
        size: usize,
    ) -> *mut c_char;
    fn c10d_barrier(group: *mut c_void) -> *mut c_char;
}

/// The constructor in `nccl.cpp`.
type Nccl = unsafe extern "C" fn(*mut c_void, c_int, c_int, i64, *mut *mut c_void) -> *mut c_char;

/// What libtorch says went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Who keeps what is in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// This process, until it drops the store. Clients get errors from then on.
    Server,
    Client,
}

/// Keys and values that all ranks see.
pub struct Store(*mut c_void);

// SAFETY: c10d locks every operation of a store.
unsafe impl Send for Store {}
unsafe impl Sync for Store {}

impl Store {
    /// Connects to the store at `host`:`port`, waiting at most `timeout` for its server.
    pub fn connect(host: &str, port: u16, role: Role, timeout: Duration) -> Result<Self, Error> {
        let host = c_string(host)?;
        let mut store = ptr::null_mut();
        // SAFETY: a C string and a place for the result.
        unsafe { checked(c10d_store(host.as_ptr(), port, role == Role::Server, milliseconds(timeout), &mut store)) }
            .map(|()| Self(store))
    }

    /// The same store, in which every key begins with `prefix`.
    pub fn prefixed(&self, prefix: &str) -> Result<Self, Error> {
        let prefix = c_string(prefix)?;
        let mut store = ptr::null_mut();
        // SAFETY: a live store, a C string and a place for the result, which keeps the store alive.
        unsafe { checked(c10d_store_prefix(self.0, prefix.as_ptr(), &mut store)) }.map(|()| Self(store))
    }

    /// Sets a key.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        let key = c_string(key)?;
        // SAFETY: a live store, a C string, and bytes with their length.
        unsafe { checked(c10d_store_set(self.0, key.as_ptr(), value.as_ptr(), value.len())) }
    }

    /// The value of a key, for which it waits at most `timeout`.
    pub fn get(&self, key: &str, timeout: Duration) -> Result<Vec<u8>, Error> {
        let key = c_string(key)?;
        let (mut value, mut length) = (ptr::null_mut(), 0);
        // SAFETY: a live store, a C string and places for the result.
        unsafe { checked(c10d_store_get(self.0, key.as_ptr(), milliseconds(timeout), &mut value, &mut length)) }?;
        // SAFETY: without an error the shim has allocated so many bytes, which are freed once.
        let bytes = unsafe { std::slice::from_raw_parts(value, length) }.to_vec();
        unsafe { c10d_free(value.cast()) };
        Ok(bytes)
    }

    /// Whether a key has a value.
    pub fn has(&self, key: &str) -> Result<bool, Error> {
        let key = c_string(key)?;
        let mut found = false;
        // SAFETY: a live store, a C string and a place for the result.
        unsafe { checked(c10d_store_check(self.0, key.as_ptr(), &mut found)) }.map(|()| found)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: made by `connect` or `prefixed`, and freed once.
        unsafe { c10d_store_free(self.0) }
    }
}

/// Processes that call collectives together. Tensors are contiguous; those of a group over Gloo are on the CPU, those of
/// one over NCCL on this process's GPU.
pub struct Group(*mut c_void);

// SAFETY: a group belongs to no thread, and the shim starts one collective of the process at a time.
unsafe impl Send for Group {}
unsafe impl Sync for Group {}

impl Group {
    /// The group of `size` processes over TCP, of which this is number `rank`. The environment variable
    /// `GLOO_SOCKET_IFNAME` names the network interface, as it does for PyTorch.
    pub fn gloo(store: &Store, rank: usize, size: usize, timeout: Duration) -> Result<Self, Error> {
        let interface = std::env::var("GLOO_SOCKET_IFNAME").ok().map(|name| c_string(&name)).transpose()?;
        let interface = interface.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        let mut group = ptr::null_mut();
        // SAFETY: a live store, which the group keeps alive, a C string or null, and a place for the result.
        unsafe {
            checked(c10d_gloo(store.0, rank as c_int, size as c_int, milliseconds(timeout), interface, &mut group))
        }
        .map(|()| Self(group))
    }

    /// The group of `size` processes with a GPU each, of which this is number `rank`. Fails where `libazr_nccl.so`, which
    /// `make cuda` compiles, or a library that it needs does not load, and where there is no GPU.
    pub fn nccl(store: &Store, rank: usize, size: usize, timeout: Duration) -> Result<Self, Error> {
        let make = nccl()?;
        let mut group = ptr::null_mut();
        // SAFETY: a live store, which the group keeps alive, and a place for the result.
        unsafe { checked(make(store.0, rank as c_int, size as c_int, milliseconds(timeout), &mut group)) }
            .map(|()| Self(group))
    }

    /// `tensor` becomes what it is on the rank `root`.
    pub fn broadcast(&self, tensor: &Tensor, root: usize) -> Result<(), Error> {
        // SAFETY: a live group and a live tensor.
        unsafe { checked(c10d_broadcast(self.0, tensor.as_ptr(), root as c_int)) }
    }

    /// `tensor` becomes the sum over all ranks. In which order it is added up depends on the number of ranks.
    pub fn all_reduce(&self, tensor: &Tensor) -> Result<(), Error> {
        // SAFETY: a live group and a live tensor.
        unsafe { checked(c10d_all_reduce(self.0, tensor.as_ptr())) }
    }

    /// `into`, `[n]`, becomes this rank's part of the sum of all ranks' `from`, `[size × n]`.
    pub fn reduce_scatter(&self, into: &Tensor, from: &Tensor) -> Result<(), Error> {
        // SAFETY: a live group and live tensors.
        unsafe { checked(c10d_reduce_scatter(self.0, into.as_ptr(), from.as_ptr())) }
    }

    /// `into`, `[size × n]`, becomes all ranks' `from`, `[n]`, in their order.
    pub fn all_gather(&self, into: &Tensor, from: &Tensor) -> Result<(), Error> {
        // SAFETY: a live group and live tensors.
        unsafe { checked(c10d_all_gather(self.0, into.as_ptr(), from.as_ptr())) }
    }

    /// Sends the next `from.1[rank]` elements of `from.0` to each rank, and receives as many from each as `into.1` says.
    pub fn all_to_all(&self, into: (&Tensor, &[i64]), from: (&Tensor, &[i64])) -> Result<(), Error> {
        assert_eq!(into.1.len(), from.1.len(), "one count per rank, either way");
        let (counts, size) = ((into.1.as_ptr(), from.1.as_ptr()), into.1.len());
        // SAFETY: a live group, live tensors, and two lists of one length.
        unsafe { checked(c10d_all_to_all(self.0, into.0.as_ptr(), counts.0, from.0.as_ptr(), counts.1, size)) }
    }

    /// Returns when every rank has come here.
    pub fn barrier(&self) -> Result<(), Error> {
        // SAFETY: a live group.
        unsafe { checked(c10d_barrier(self.0)) }
    }

    /// Ends the group, when every rank is done with it. NCCL takes a group that is dropped without it for one that has
    /// failed.
    pub fn shutdown(&self) -> Result<(), Error> {
        // SAFETY: a live group.
        unsafe { checked(c10d_group_shutdown(self.0)) }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // SAFETY: made by a constructor, and freed once.
        unsafe { c10d_group_free(self.0) }
    }
}

/// Loads the shared object, once per process.
fn nccl() -> Result<Nccl, Error> {
    static NCCL: OnceLock<Result<Nccl, Error>> = OnceLock::new();
    let load = || {
        // SAFETY: initialisers register operators, nothing else, and the symbol is the function of this type in nccl.cpp.
        unsafe {
            let library = Library::open(Some("libazr_nccl.so"), RTLD_NOW | RTLD_GLOBAL)?;
            let make = *library.get::<Nccl>(b"c10d_nccl\0")?;
            // Unloading would leave registered operators dangling.
            std::mem::forget(library);
            Ok(make)
        }
    };
    let explained = |error: libloading::Error| Error(format!("NCCL does not load: {error}; `make cuda` builds it"));
    NCCL.get_or_init(|| load().map_err(explained)).clone()
}

fn c_string(text: &str) -> Result<CString, Error> {
    CString::new(text).map_err(|_| Error(format!("{text:?} has a zero byte")))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Turns what a function of a shim returned that `guarded.hpp` guards, null or a message, into a result.
///
/// # Safety
///
/// `message` is such a value, and this is its only use: it is freed here.
pub unsafe fn checked(message: *mut c_char) -> Result<(), Error> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: a C string that the shim has allocated, freed once.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    unsafe { c10d_free(message.cast()) };
    // libtorch appends a C++ backtrace.
    Err(Error(text.lines().next().unwrap_or("no message").to_owned()))
}
