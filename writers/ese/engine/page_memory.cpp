#include "writers/ese/engine/page_memory.hpp"

#include <algorithm>

#include <sys/mman.h>

#include "framework/base/check.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kSmallPage = 4096, kLargePageBytes = std::size_t{2} << 20;
// Below that they are not worth what is left of the last one.
constexpr std::size_t kLargePagesMin = 8;

}  // namespace

PageMemory::PageMemory(std::size_t bytes) {
  const bool large = bytes >= kLargePagesMin * kLargePageBytes;
  const std::size_t alignment = large ? kLargePageBytes : kSmallPage;
  const std::size_t whole =
      (std::max<std::size_t>(1, bytes) + alignment - 1) / alignment * alignment;
  memory_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, whole)));
  STILLFRAME_CHECK(memory_ != nullptr, "no memory for the page cache");
  // A wish: without it all works, and slower.
  if (large) (void)::madvise(memory_.get(), whole, MADV_HUGEPAGE);
}

}  // namespace stillframe::ese
