// The parts of libtorch that tch does not bind. Every function that can fail returns null, or a message that the
// caller frees with azr_free.

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

namespace {

std::vector<at::Tensor> list(at::Tensor *const *tensors, size_t count) {
  std::vector<at::Tensor> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) out.push_back(*tensors[i]);
  return out;
}

template <typename F> char *guarded(F f) {
  try {
    f();
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("libtorch threw something that is not an exception");
  }
}

} // namespace

extern "C" {

void azr_free(char *message) { free(message); }

void *azr_inference_mode_enter() { return new c10::InferenceMode(true); }

void azr_inference_mode_leave(void *guard) { delete static_cast<c10::InferenceMode *>(guard); }

// The Euclidean norm of all tensors together.
char *azr_norm(at::Tensor *const *tensors, size_t count, double *norm) {
  return guarded([&] {
    auto norms = at::_foreach_norm(list(tensors, count), 2);
    for (auto &each : norms) each = each.to(at::kFloat);
    *norm = at::linalg_vector_norm(at::stack(norms)).item<double>();
  });
}

char *azr_scale(at::Tensor *const *tensors, size_t count, double factor) {
  return guarded([&] { at::_foreach_mul_(list(tensors, count), factor); });
}

// into[i] += from[i]
char *azr_add(at::Tensor *const *into, at::Tensor *const *from, size_t count) {
  return guarded([&] { at::_foreach_add_(list(into, count), list(from, count)); });
}

// into[i] = from[i], converting the dtype
char *azr_copy(at::Tensor *const *into, at::Tensor *const *from, size_t count) {
  return guarded([&] { at::_foreach_copy_(list(into, count), list(from, count)); });
}

// One AdamW step for every tensor, bias correction at `step` (1 for the first).
char *azr_adamw(at::Tensor *const *params, at::Tensor *const *grads, at::Tensor *const *exp_avgs,
                at::Tensor *const *exp_avg_sqs, size_t count, double step, double lr, double beta1, double beta2,
                double weight_decay, double eps) {
  return guarded([&] {
    if (count == 0) return;
    auto options = at::TensorOptions().dtype(at::kFloat).device(params[0]->device());
    // The kernel wants one step counter per tensor; it reads them only.
    std::vector<at::Tensor> steps(count, at::full({}, step, options));
    at::_fused_adamw_(list(params, count), list(grads, count), list(exp_avgs, count), list(exp_avg_sqs, count), {},
                      steps, lr, beta1, beta2, weight_decay, eps, /*amsgrad=*/false, /*maximize=*/false);
  });
}
}
