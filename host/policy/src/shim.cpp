// The parts of libtorch that tch does not bind. Every function that can fail is guarded.

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>

#include "guarded.hpp"

#include <malloc.h>

#include <algorithm>
#include <vector>

namespace {

std::vector<at::Tensor> list(at::Tensor *const *tensors, size_t count) {
  std::vector<at::Tensor> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) out.push_back(*tensors[i]);
  return out;
}

// An operator that has no function of its own in libtorch's headers.
template <typename Signature> c10::TypedOperatorHandle<Signature> op(const char *name, const char *overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

} // namespace

extern "C" {

// Every pass allocates the same large blocks again. From the system each comes as untouched pages, which cost more than
// what is computed in them; kept in the heap they are there already.
void azr_keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
}

// It is the first choice for attention on newer GPUs. In libtorch 2.11 its backward pass with a mask can give NaN
// (https://github.com/pytorch/pytorch/issues/196678), and it makes a plan for every new shape, which our batches all have.
void azr_leave_out_cudnn_attention() { at::globalContext().setSDPUseCuDNN(false); }

void *azr_inference_mode_enter() { return new c10::InferenceMode(true); }

void azr_inference_mode_leave(void *guard) { delete static_cast<c10::InferenceMode *>(guard); }

// Gives the memory of a tensor, and of all that share it, room for so many bytes, whose content is undefined. The tensors'
// shapes stay; without room nobody may read them.
char *azr_resize_storage(at::Tensor *tensor, size_t bytes) {
  return guarded([&] {
    c10::DeviceGuard guard(tensor->device());
    auto *storage = tensor->storage().unsafeGetStorageImpl();
    TORCH_CHECK(storage->allocator(), "the tensor's memory is not libtorch's own");
    storage->set_data_ptr_noswap(storage->allocator()->allocate(bytes));
    storage->set_nbytes(bytes);
  });
}

// The Euclidean norm of each tensor.
char *azr_norms(at::Tensor *const *tensors, size_t count, float *norms) {
  return guarded([&] {
    if (count == 0) return;
    auto all = at::stack(at::_foreach_norm(list(tensors, count), 2, at::kFloat)).cpu();
    std::copy_n(all.const_data_ptr<float>(), count, norms);
  });
}

// One AdamW step for one parameter with gradient `grad * scale`, bias correction at `step` (1 for the first). `master` is
// the parameter itself or a copy in f32, from which the parameter is then set. Changes `grad`.
char *azr_adamw(at::Tensor *param, at::Tensor *master, at::Tensor *grad, at::Tensor *exp_avg, at::Tensor *exp_avg_sq,
                double scale, double step, double lr, double beta1, double beta2, double weight_decay, double eps) {
  return guarded([&] {
    auto steps = at::full({}, step, master->options());
    // On a CPU in pieces that stay in the caches from one operation to the next; on a GPU so that the gradient in f32 is
    // no second copy of an embedding.
    int64_t size = master->numel(), piece = master->is_cpu() ? 1 << 18 : 1 << 25;
    for (int64_t start = 0; start < size; start += piece) {
      auto part = [&](at::Tensor *whole) { return whole->view(-1).narrow(0, start, std::min(piece, size - start)); };
      auto from = part(grad).to(at::kFloat), into = part(master);
      if (scale != 1.0) from.mul_(scale);
      at::_fused_adamw_({into}, {from}, {part(exp_avg)}, {part(exp_avg_sq)}, {}, {steps}, lr, beta1, beta2,
                        weight_decay, eps, /*amsgrad=*/false, /*maximize=*/false);
      if (param->scalar_type() != at::kFloat) part(param).copy_(into);
    }
  });
}

// A copy of `weight`, `[out, in]`, in the blocks that oneDNN's kernels read, for products with about `rows` rows.
char *azr_pack(at::Tensor *weight, int64_t rows, at::Tensor **packed) {
  return guarded([&] {
    using Pack = at::Tensor(const at::Tensor &, std::optional<int64_t>);
    static const auto pack = op<Pack>("mkldnn::_reorder_linear_weight", "");
    *packed = new at::Tensor(pack.call(weight->detach(), rows));
  });
}

// `x` times the transposed weight, and what is added, if anything: `bias`, `[out]`, or `residual`, `[n, out]`.
char *azr_linear_packed(at::Tensor *x, at::Tensor *packed, at::Tensor *bias, at::Tensor *residual, at::Tensor **out) {
  return guarded([&] {
    using Scalars = c10::List<std::optional<at::Scalar>>;
    using MaybeTensor = const std::optional<at::Tensor> &;
    using Linear = at::Tensor(const at::Tensor &, const at::Tensor &, MaybeTensor, std::string_view, Scalars,
                              std::optional<std::string_view>);
    using Add = at::Tensor(const at::Tensor &, const at::Tensor &, const at::Tensor &, MaybeTensor, std::string_view);
    static const auto linear = op<Linear>("mkldnn::_linear_pointwise", "");
    static const auto add = op<Add>("mkldnn::_linear_pointwise", "binary");
    auto maybe_bias = bias ? std::optional(*bias) : std::nullopt;
    *out = new at::Tensor(residual ? add.call(*x, *residual, *packed, maybe_bias, "add")
                                   : linear.call(*x, *packed, maybe_bias, "none", Scalars(), ""));
  });
}
}
