// As much of Gloo as ProcessGroupGloo.hpp names. Everything that uses these types is compiled in libtorch; here they
// only have to be declared, and nothing of them is called or laid out.

#pragma once

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds);
};

namespace rendezvous {

class Store {
 public:
  virtual ~Store();
  virtual void set(const std::string &, const std::vector<char> &) = 0;
  virtual std::vector<char> get(const std::string &) = 0;
  virtual void wait(const std::vector<std::string> &) = 0;
  virtual void wait(const std::vector<std::string> &, const std::chrono::milliseconds &) = 0;
};

} // namespace rendezvous

namespace transport {

class Device;
class UnboundBuffer;

} // namespace transport

} // namespace gloo
