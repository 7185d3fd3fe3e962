//! What tch does not offer: fused optimiser kernels, inference mode, and loading CUDA when it is asked for.

use std::{
    ffi::{c_char, c_int, c_void},
    marker::PhantomData,
    ptr,
    sync::OnceLock,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW, Symbol};
use tch::{Cuda, Tensor};
use torch_sys::C_tensor;

use crate::memory::MachineMemory;

unsafe extern "C" {
    fn azr_inference_mode_enter() -> *mut c_void;
    fn azr_inference_mode_leave(guard: *mut c_void);
    fn azr_norms(tensors: *const *const C_tensor, count: usize, norms: *mut f32) -> *mut c_char;
    fn azr_keep_freed_memory();
    fn azr_leave_out_cudnn_attention();
    fn azr_resize_storage(tensor: *const C_tensor, bytes: usize) -> *mut c_char;
    fn azr_pack(weight: *const C_tensor, rows: i64, packed: *mut *mut C_tensor) -> *mut c_char;
    fn azr_linear_packed(
        x: *const C_tensor,
        packed: *const C_tensor,
        bias: *const C_tensor,
        residual: *const C_tensor,
        out: *mut *mut C_tensor,
    ) -> *mut c_char;
    fn azr_adamw(
        param: *const C_tensor,
        master: *const C_tensor,
        grad: *const C_tensor,
        exp_avg: *const C_tensor,
        exp_avg_sq: *const C_tensor,
        scale: f64,
        step: f64,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
    ) -> *mut c_char;
}

/// From now on memory that this process frees stays its own, for the next tensors on the CPU. Asking the system anew for
/// every large tensor takes half the time of a learning step.
pub fn keep_freed_memory() {
    // SAFETY: sets two numbers of the allocator.
    unsafe { azr_keep_freed_memory() }
}

/// While it lives, this thread's tensor operations keep no record for autograd, not even version counters. Tensors
/// made meanwhile never take part in learning.
pub struct InferenceMode {
    guard: *mut c_void,
    // The mode belongs to the thread that entered it.
    thread: PhantomData<*const ()>,
}

impl InferenceMode {
    pub fn enter() -> Self {
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
pub struct AdamwStep {
    /// 1 for the first.
    pub step: u64,
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub weight_decay: f64,
    pub eps: f64,
    /// What the gradient is multiplied by beforehand.
    pub gradient_scale: f64,
}

/// What AdamW moves: a contiguous parameter, its f32 master (itself where it is f32) and its moments.
pub struct AdamwState<'a> {
    pub parameter: &'a Tensor,
    pub master: &'a Tensor,
    pub exp_avg: &'a Tensor,
    pub exp_avg_sq: &'a Tensor,
}

/// One AdamW step, in place.
pub fn adamw(state: &AdamwState<'_>, gradient: Tensor, coefficients: &AdamwStep) -> Result<()> {
    let AdamwStep { step, learning_rate, beta1, beta2, weight_decay, eps, gradient_scale } = *coefficients;
    let AdamwState { parameter, master, exp_avg, exp_avg_sq } = state;
    let gradient = gradient.f_contiguous()?;
    // SAFETY: five live tensors.
    checked(unsafe {
        azr_adamw(
            parameter.as_ptr(),
            master.as_ptr(),
            gradient.as_ptr(),
            exp_avg.as_ptr(),
            exp_avg_sq.as_ptr(),
            gradient_scale,
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

/// The Euclidean norm of each tensor, in f32.
pub fn norms(tensors: &[Tensor]) -> Result<Vec<f32>> {
    let mut norms = vec![0.0; tensors.len()];
    let list = pointers(tensors);
    // SAFETY: a list of live tensors, and a place for a result of each.
    checked(unsafe { azr_norms(list.as_ptr(), list.len(), norms.as_mut_ptr()) }).context("norms")?;
    Ok(norms)
}

/// Gives the memory behind `tensor` room for `elements` elements. What it held is lost; all tensors that share it keep their
/// shapes, and must not be read while there is no room for them.
pub fn resize_storage(tensor: &Tensor, elements: usize) -> Result<()> {
    // SAFETY: a live tensor.
    checked(unsafe { azr_resize_storage(tensor.as_ptr(), elements * tensor.kind().elt_size_in_bytes()) })
        .context("memory of weights")
}

/// A copy of `weight`, `[out, in]`, in the blocks that oneDNN's kernels read, for products with about `rows` rows. Only
/// [`linear_packed`] can read it.
pub fn pack(weight: &Tensor, rows: usize) -> Result<Tensor> {
    let mut packed = ptr::null_mut();
    // SAFETY: a live tensor, and a place for a new one.
    checked(unsafe { azr_pack(weight.as_ptr(), i64::try_from(rows)?, &mut packed) }).context("packing weights")?;
    // SAFETY: the shim has made this tensor, and leaves it to us.
    Ok(unsafe { Tensor::from_ptr(packed) })
}

/// For `x`, `[n, in]`, and a packed weight, `[n, out]`, to which the bias, `[out]`, or a residual, `[n, out]`, is added.
pub fn linear_packed(x: &Tensor, packed: &Tensor, bias: Option<&Tensor>, residual: Option<&Tensor>) -> Result<Tensor> {
    let pointer = |tensor: Option<&Tensor>| tensor.map_or(ptr::null(), Tensor::as_ptr);
    let mut out = ptr::null_mut();
    // SAFETY: live tensors, or none where there may be none, and a place for a new one.
    checked(unsafe { azr_linear_packed(x.as_ptr(), packed.as_ptr(), pointer(bias), pointer(residual), &mut out) })
        .context("a product with packed weights")?;
    // SAFETY: the shim has made this tensor, and leaves it to us.
    Ok(unsafe { Tensor::from_ptr(out) })
}

/// Makes CUDA usable, once per process. Must run before any other CUDA query, whose answer libtorch remembers: so load
/// the policy first.
pub fn load_cuda() -> Result<()> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        // SAFETY: the library's initialisers register operators, nothing else.
        let library = unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) };
        // Unloading would leave registered operators dangling.
        library.map(std::mem::forget).map_err(|error| error.to_string())?;
        // SAFETY: sets a flag.
        unsafe { azr_leave_out_cudnn_attention() };
        Ok(())
    });
    if let Err(error) = loaded {
        bail!(
            "device is cuda, but libtorch_cuda.so does not load: {error}; run `make cuda`, or put the torch/lib of an \
             installed torch 2.11 (CUDA) on LD_LIBRARY_PATH, or use --device cpu"
        );
    }
    ensure!(
        Cuda::is_available(),
        "device is cuda, but libtorch finds no usable GPU; check the driver with nvidia-smi, or use --device cpu"
    );
    Ok(())
}

/// The number of the GPU for a local rank: where a launcher shows every rank only its own, the first.
pub fn cuda_number(local_rank: usize) -> Result<usize> {
    load_cuda()?;
    Ok(if Cuda::device_count() == 1 { 0 } else { local_rank })
}

/// Of the GPU with that number.
pub fn cuda_memory(number: usize) -> Result<MachineMemory> {
    type SetDevice = unsafe extern "C" fn(c_int) -> c_int;
    type MemGetInfo = unsafe extern "C" fn(*mut usize, *mut usize) -> c_int;
    load_cuda()?;
    let process = Library::this();
    let (mut free, mut total) = (0, 0);
    // SAFETY: the CUDA runtime that libtorch has loaded, with the signatures of its documentation.
    let errors = unsafe {
        let set_device: Symbol<SetDevice> = process.get(b"cudaSetDevice\0")?;
        let mem_get_info: Symbol<MemGetInfo> = process.get(b"cudaMemGetInfo\0")?;
        [set_device(c_int::try_from(number)?), mem_get_info(&mut free, &mut total)]
    };
    ensure!(errors == [0, 0], "CUDA does not say how much memory GPU {number} has: errors {errors:?}");
    Ok(MachineMemory { total: total as u64, free: free as u64 })
}

fn pointers(tensors: &[Tensor]) -> Vec<*const C_tensor> {
    tensors.iter().map(Tensor::as_ptr).collect()
}

fn checked(message: *mut c_char) -> Result<()> {
    // SAFETY: a guarded function of the shim returned it.
    unsafe { c10d::checked(message) }.map_err(|error| anyhow!("libtorch: {error}"))
}
