// The group over NCCL, in a shared object of its own: it needs CUDA's and NCCL's headers to compile, and their libraries
// to load. `make cuda` compiles it; Group::nccl loads it.

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "shim.hpp"

#include <chrono>
#include <cstdlib>

extern "C" char *c10d_nccl(Store *store, int rank, int size, int64_t timeout_ms, Group **out) {
  return guarded([&] {
    // A collective waits for its end and throws after the timeout, as Gloo's do. Otherwise a watchdog aborts the process.
    setenv("TORCH_NCCL_BLOCKING_WAIT", "1", 0);
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = std::chrono::milliseconds(timeout_ms);
    *out = new Group(c10::make_intrusive<c10d::ProcessGroupNCCL>(*store, rank, size, options));
  });
}
