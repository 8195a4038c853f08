#include <unistd.h>

#include <stillframe/descriptor.hpp>

namespace stillframe {

// Not repeated after EINTR: Linux has closed the number by then, and another thread may own it.
void Descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(release());
}

}  // namespace stillframe
