//! What tch does not offer: fused optimiser kernels, inference mode, and loading CUDA when it is asked for.

use std::{
    ffi::{CStr, c_char, c_void},
    marker::PhantomData,
    sync::OnceLock,
};

use anyhow::{Context as _, Result, bail, ensure};
use tch::{Cuda, Tensor};
use torch_sys::C_tensor;

unsafe extern "C" {
    fn azr_free(message: *mut c_char);
    fn azr_inference_mode_enter() -> *mut c_void;
    fn azr_inference_mode_leave(guard: *mut c_void);
    fn azr_norm(tensors: *const *const C_tensor, count: usize, norm: *mut f64) -> *mut c_char;
    fn azr_scale(tensors: *const *const C_tensor, count: usize, factor: f64) -> *mut c_char;
    fn azr_add(into: *const *const C_tensor, from: *const *const C_tensor, count: usize) -> *mut c_char;
    fn azr_copy(into: *const *const C_tensor, from: *const *const C_tensor, count: usize) -> *mut c_char;
    fn azr_adamw(
        params: *const *const C_tensor,
        grads: *const *const C_tensor,
        exp_avgs: *const *const C_tensor,
        exp_avg_sqs: *const *const C_tensor,
        count: usize,
        step: f64,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
    ) -> *mut c_char;
}

/// While it lives, this thread's tensor operations keep no record for autograd, not even version counters. Tensors
/// made meanwhile never take part in learning.
pub(crate) struct InferenceMode {
    guard: *mut c_void,
    // The mode belongs to the thread that entered it.
    thread: PhantomData<*const ()>,
}

impl InferenceMode {
    pub(crate) fn enter() -> Self {
        // SAFETY: takes nothing; the guard is destroyed by `drop`, on this thread because it is not `Send`.
        Self { guard: unsafe { azr_inference_mode_enter() }, thread: PhantomData }
    }
}

impl Drop for InferenceMode {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `enter` and is destroyed once.
        unsafe { azr_inference_mode_leave(self.guard) }
    }
}

/// The coefficients of one AdamW step (Loshchilov & Hutter 2019, "Decoupled weight decay regularization").
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamwStep {
    /// 1 for the first.
    pub step: u64,
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub weight_decay: f64,
    pub eps: f64,
}

/// One fused AdamW step over equally long lists of tensors, in place.
pub(crate) fn adamw(
    params: &[Tensor],
    grads: &[Tensor],
    exp_avgs: &[Tensor],
    exp_avg_sqs: &[Tensor],
    coefficients: AdamwStep,
) -> Result<()> {
    let AdamwStep { step, learning_rate, beta1, beta2, weight_decay, eps } = coefficients;
    let count = params.len();
    assert!(grads.len() == count && exp_avgs.len() == count && exp_avg_sqs.len() == count, "one state per parameter");
    let (params, grads) = (pointers(params), pointers(grads));
    let (exp_avgs, exp_avg_sqs) = (pointers(exp_avgs), pointers(exp_avg_sqs));
    // SAFETY: four lists of `count` live tensors.
    checked(unsafe {
        azr_adamw(
            params.as_ptr(),
            grads.as_ptr(),
            exp_avgs.as_ptr(),
            exp_avg_sqs.as_ptr(),
            count,
            step as f64,
            learning_rate,
            beta1,
            beta2,
            weight_decay,
            eps,
        )
    })
    .context("AdamW step")
}

/// The Euclidean norm of all `tensors` together.
pub(crate) fn norm(tensors: &[Tensor]) -> Result<f64> {
    let mut norm = 0.0;
    let list = pointers(tensors);
    // SAFETY: a list of live tensors and a place for the result.
    checked(unsafe { azr_norm(list.as_ptr(), list.len(), &mut norm) }).context("norm")?;
    Ok(norm)
}

/// Multiplies every tensor by `factor`, in place.
pub(crate) fn scale(tensors: &[Tensor], factor: f64) -> Result<()> {
    let list = pointers(tensors);
    // SAFETY: a list of live tensors.
    checked(unsafe { azr_scale(list.as_ptr(), list.len(), factor) }).context("scaling")
}

/// `into[i] += from[i]`.
pub(crate) fn add(into: &[Tensor], from: &[Tensor]) -> Result<()> {
    assert_eq!(into.len(), from.len(), "sums are pairwise");
    let (into, from) = (pointers(into), pointers(from));
    // SAFETY: two lists of live tensors of one length.
    checked(unsafe { azr_add(into.as_ptr(), from.as_ptr(), into.len()) }).context("addition")
}

/// `into[i] = from[i]`, converting the dtype.
pub(crate) fn copy(into: &[Tensor], from: &[Tensor]) -> Result<()> {
    assert_eq!(into.len(), from.len(), "copies are pairwise");
    let (into, from) = (pointers(into), pointers(from));
    // SAFETY: two lists of live tensors of one length.
    checked(unsafe { azr_copy(into.as_ptr(), from.as_ptr(), into.len()) }).context("copy")
}

/// Makes CUDA usable, once per process. Must run before any other CUDA query, whose answer libtorch remembers: so load
/// the policy first.
pub(crate) fn load_cuda() -> Result<()> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        // SAFETY: the library's initialisers register operators, nothing else.
        let library = unsafe {
            use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
            Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL)
        };
        // Unloading would leave registered operators dangling.
        library.map(std::mem::forget).map_err(|error| error.to_string())
    });
    if let Err(error) = loaded {
        bail!(
            "device is cuda, but libtorch_cuda.so does not load: {error}; install the CUDA build (pip install \
             torch==2.11.0) and put its torch/lib directory on LD_LIBRARY_PATH, or use --device cpu"
        );
    }
    ensure!(
        Cuda::is_available(),
        "device is cuda, but libtorch finds no usable GPU; check the driver with nvidia-smi, or use --device cpu"
    );
    Ok(())
}

fn pointers(tensors: &[Tensor]) -> Vec<*const C_tensor> {
    tensors.iter().map(Tensor::as_ptr).collect()
}

/// Turns the shim's message, if there is one, into an error.
fn checked(message: *mut c_char) -> Result<()> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: the shim hands over a C string, freed once.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    unsafe { azr_free(message) };
    // libtorch appends a C++ backtrace.
    bail!("libtorch: {}", text.lines().next().unwrap_or("no message"))
}
