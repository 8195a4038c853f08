#include "writers/ese/jet/handles.hpp"

#include <atomic>
#include <cstdint>

namespace stillframe::ese::jet {

namespace {

std::atomic<std::uint32_t> next_handle{1};

}  // namespace

JET_API_PTR new_handle() noexcept {
  return next_handle.fetch_add(1);
}

JET_API_PTR handle_limit() noexcept {
  return next_handle.load();
}

}  // namespace stillframe::ese::jet
