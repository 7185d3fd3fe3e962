// The part of c10d that a group of equal processes needs. Every function that can fail is guarded.

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "shim.hpp"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

namespace {

using Tensors = std::vector<at::Tensor>;

std::vector<int64_t> counts(const int64_t *counts, size_t length) { return {counts, counts + length}; }

// The groups of a process start their collectives one at a time: libtorch notes each in a map of the whole process that
// no lock guards (all_pg_status_ in FlightRecorderDetail.hpp of 2.11).
std::mutex starting;

// Starts a collective and waits for its end.
template <typename Start> char *collective(Start start) {
  return guarded([&] {
    auto work = [&] {
      std::lock_guard<std::mutex> one(starting);
      return start();
    }();
    work->wait();
  });
}

} // namespace

extern "C" {

void c10d_free(void *memory) { free(memory); }

char *c10d_store(const char *host, uint16_t port, bool serve, int64_t timeout_ms, void **out) {
  return guarded([&] {
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serve;
    options.waitWorkers = false;
    options.timeout = std::chrono::milliseconds(timeout_ms);
    *out = new Store(c10::make_intrusive<c10d::TCPStore>(host, options));
  });
}

char *c10d_store_prefix(Store *store, const char *prefix, void **out) {
  return guarded([&] { *out = new Store(c10::make_intrusive<c10d::PrefixStore>(prefix, *store)); });
}

void c10d_store_free(Store *store) { delete store; }

char *c10d_store_set(Store *store, const char *key, const uint8_t *value, size_t length) {
  return guarded([&] { (*store)->set(key, std::vector<uint8_t>(value, value + length)); });
}

// `value` is allocated here and freed by the caller.
char *c10d_store_get(Store *store, const char *key, int64_t timeout_ms, uint8_t **value, size_t *length) {
  return guarded([&] {
    (*store)->wait({key}, std::chrono::milliseconds(timeout_ms));
    auto found = (*store)->get(key);
    *length = found.size();
    *value = static_cast<uint8_t *>(malloc(found.size() + 1));
    memcpy(*value, found.data(), found.size());
  });
}

char *c10d_store_check(Store *store, const char *key, bool *found) {
  return guarded([&] { *found = (*store)->check({key}); });
}

// `interface` is null for the one that this machine's name belongs to.
char *c10d_gloo(Store *store, int rank, int size, int64_t timeout_ms, const char *interface, void **out) {
  return guarded([&] {
    auto options = c10d::ProcessGroupGloo::Options::create(std::chrono::milliseconds(timeout_ms));
    options->devices.push_back(interface ? c10d::ProcessGroupGloo::createDeviceForInterface(interface)
                                         : c10d::ProcessGroupGloo::createDefaultDevice());
    *out = new Group(c10::make_intrusive<c10d::ProcessGroupGloo>(*store, rank, size, options));
  });
}

char *c10d_group_shutdown(Group *group) {
  return guarded([&] { (*group)->shutdown(); });
}

void c10d_group_free(Group *group) { delete group; }

char *c10d_broadcast(Group *group, at::Tensor *tensor, int root) {
  return collective([&] {
    Tensors tensors{*tensor};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    return (*group)->broadcast(tensors, options);
  });
}

char *c10d_all_reduce(Group *group, at::Tensor *tensor) {
  return collective([&] {
    Tensors tensors{*tensor};
    return (*group)->allreduce(tensors);
  });
}

char *c10d_reduce_scatter(Group *group, at::Tensor *into, at::Tensor *from) {
  return collective([&] { return (*group)->_reduce_scatter_base(*into, *from); });
}

char *c10d_all_gather(Group *group, at::Tensor *into, at::Tensor *from) {
  return collective([&] { return (*group)->_allgather_base(*into, *from); });
}

// Counts are of elements, one per rank.
char *c10d_all_to_all(Group *group, at::Tensor *into, const int64_t *into_counts, at::Tensor *from,
                      const int64_t *from_counts, size_t size) {
  return collective([&] {
    auto received = counts(into_counts, size), sent = counts(from_counts, size);
    return (*group)->alltoall_base(*into, *from, received, sent);
  });
}

char *c10d_barrier(Group *group) {
  return collective([&] { return (*group)->barrier(); });
}
}
