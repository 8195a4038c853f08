// Makes a provider fail, or die, at the Nth point it reaches.
#pragma once

#include <atomic>
#include <csignal>
#include <string>
#include <vector>

#include <unistd.h>

#include "framework/providers/builtin.hpp"

namespace stillframe::tests {

class FaultAt final : public FaultPoints {
 public:
  enum class What { nothing, fail, kill };
  FaultAt(What what, int at) : what_(what), at_(at) {}

  Status reached(std::string_view point) override {
    const int now = reached_.fetch_add(1);
    if (now != at_) return Ok{};
    if (what_ == What::kill) {
      ::kill(::getpid(), SIGKILL);
      for (;;) ::pause();
    }
    if (what_ == What::fail) {
      return Error(Errc::io, "injected at " + std::string(point));
    }
    return Ok{};
  }
  int count() const { return reached_.load(); }

 private:
  const What what_;
  const int at_;
  std::atomic<int> reached_{0};
};

}  // namespace stillframe::tests
