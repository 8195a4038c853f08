#include "framework/providers/host/serve_loop.hpp"

#include <cerrno>
#include <string>

#include <unistd.h>

#include "framework/providers/host/hold_beat.hpp"
#include "framework/providers/host/provider_calls.hpp"

namespace stillframe {

int serve_provider(Provider& provider, int input, int output) {
  LineOutput lines(output);
  HoldBeat beat(lines);
  std::string pending;
  std::size_t searched = 0;
  char buffer[64 * 1024];
  while (true) {
    const auto newline = pending.find('\n', searched);
    if (newline != std::string::npos) {
      const std::string reply =
          serve_provider_call(provider, std::string_view(pending).substr(0, newline), &beat);
      pending.erase(0, newline + 1);
      searched = 0;
      if (!lines.write(reply)) return 1;
      continue;
    }
    searched = pending.size();
    if (pending.size() > kProviderMessageBytesMax) return 1;
    const ssize_t n = ::read(input, buffer, sizeof buffer);
    if (n == 0) return 0;
    if (n < 0 && errno != EINTR) return 1;
    if (n > 0) pending.append(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace stillframe
