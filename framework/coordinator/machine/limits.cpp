#include "framework/coordinator/machine/limits.hpp"

namespace stillframe::machine {

Duration limit_of(const Limits& limits, Bound bound) noexcept {
  switch (bound) {
    case Bound::none:
      return Duration{0};
    case Bound::hold:
      return limits.hold;
    case Bound::idle:
      return limits.idle;
    case Bound::identify:
      return limits.identify;
    case Bound::prepare:
      return limits.prepare;
    case Bound::queue:
      return limits.queue;
    case Bound::journal:
      return limits.journal;
    case Bound::provider_prepare:
      return limits.provider_prepare;
    case Bound::flush:
      return limits.flush;
    case Bound::commit:
      return Duration{0};  // a timer of its own
    case Bound::thaw:
      return limits.thaw;
    case Bound::finalize:
      return limits.finalize;
    case Bound::complete:
      return limits.complete;
    case Bound::abort:
      return limits.abort;
    case Bound::shutdown:
      return limits.shutdown;
    case Bound::restore:
      return limits.restore;
  }
  return Duration{0};
}

}  // namespace stillframe::machine
