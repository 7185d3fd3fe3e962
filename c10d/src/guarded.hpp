// How functions of a shim over libtorch fail. The host's own shim includes this too.

#pragma once

#include <cstring>
#include <exception>

// Null, or the message of what `f` threw, which c10d::checked in lib.rs turns into an error and frees.
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
