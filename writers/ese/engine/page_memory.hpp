// The memory that pages are in.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace stillframe::ese {

// Not touched before it is used. A large one asks for large pages of the processor: pages are read
// in no order, and with small ones each read would look up the address of several first.
class PageMemory {
 public:
  explicit PageMemory(std::size_t bytes);

  std::byte* data() const noexcept { return memory_.get(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
};

}  // namespace stillframe::ese
