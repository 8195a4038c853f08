// link: stillframe_daemon_broker
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "framework/daemon/broker/broker_request.hpp"

// A daemon that somebody else took over may send the privileged broker anything: the method, a
// newline, the parameters.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stillframe::daemon;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto newline = input.find('\n');
  if (newline == std::string_view::npos) return 0;
  auto request = parse_broker_request(input.substr(0, newline), input.substr(newline + 1));
  if (!request.ok()) {
    for (const char c : request.error().what()) {
      if (static_cast<unsigned char>(c) < 0x20) std::abort();  // it ends up in the audit trail
    }
    return 0;
  }
  for (const char c : object_of(request.value())) {
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  }
  auto again = parse_broker_request(method_of(request.value()), params_of(request.value()));
  if (!again.ok() || again.value() != request.value()) std::abort();
  if (const auto* open = std::get_if<OpenFiles>(&request.value())) {
    for (const auto& path : open->paths) {
      if (path.empty() || path.front() == '/' || path.starts_with("../")) std::abort();
    }
  }
  return 0;
}
