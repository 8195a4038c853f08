// Runs one function over many items on a few threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace stillframe::requestor {

// Calls work(i) for every i below `count`, from at most `threads` threads (at least one); returns
// when all are done. `work` must not throw.
template <class Work>
void for_each_parallel(std::size_t count, int threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) work(i);
  };
  std::vector<std::jthread> helpers;
  const std::size_t wanted = threads < 1 ? 1 : static_cast<std::size_t>(threads);
  for (std::size_t i = 1; i < wanted && i < count; ++i) helpers.emplace_back(run);
  run();
}

}  // namespace stillframe::requestor
