// Memory for secrets that stay as long as a store is open: not in core dumps, not in swap where the
// process may lock memory, and wiped when it goes.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace stillframe::chunkstore {

// Whole pages of its own, since neighbours would be left out of a dump too. Throws std::bad_alloc.
void* allocate_secret(std::size_t bytes);
void free_secret(void* memory, std::size_t bytes) noexcept;

template <class T>
struct SecretAllocator {
  using value_type = T;

  SecretAllocator() = default;
  template <class Other>
  SecretAllocator(const SecretAllocator<Other>&) noexcept {}

  T* allocate(std::size_t count) { return static_cast<T*>(allocate_secret(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept { free_secret(memory, count * sizeof(T)); }
  friend bool operator==(const SecretAllocator&, const SecretAllocator&) { return true; }
};

// Shared by whoever uses the secret; the last one wipes it.
template <class T, class... Arguments>
std::shared_ptr<const T> make_secret(Arguments&&... arguments) {
  return std::allocate_shared<const T>(SecretAllocator<T>(), std::forward<Arguments>(arguments)...);
}

}  // namespace stillframe::chunkstore
