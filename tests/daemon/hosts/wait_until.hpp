// Waits for what another thread or process does, for as long as a slow machine may need.
#pragma once

#include <chrono>
#include <thread>

namespace stillframe::tests {

template <class Condition>
bool wait_until(Condition condition,
                std::chrono::milliseconds for_at_most = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + for_at_most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace stillframe::tests
