#include "framework/chunkstore/secret_memory.hpp"

#include <new>

#include <openssl/crypto.h>
#include <sys/mman.h>

namespace stillframe::chunkstore {

// A kernel that refuses the advice or the lock is no reason to do without a store.
void* allocate_secret(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  (void)::madvise(memory, bytes, MADV_DONTDUMP);
  (void)::mlock(memory, bytes);
  return memory;
}

void free_secret(void* memory, std::size_t bytes) noexcept {
  OPENSSL_cleanse(memory, bytes);
  (void)::munmap(memory, bytes);
}

}  // namespace stillframe::chunkstore
