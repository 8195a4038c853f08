#include "framework/daemon/notify/activated_sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"

namespace stillframe::daemon {
namespace {

constexpr int kFirst = 3;  // after standard input, output and error
constexpr int kCountMax = 64;

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    const auto colon = text.find(':');
    names.emplace_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return names;
    text.remove_prefix(colon + 1);
  }
}

}  // namespace

Result<ActivatedSockets> ActivatedSockets::from(const Variables& variables) {
  ActivatedSockets activated;
  const char* pid = variables("LISTEN_PID");
  const char* count_text = variables("LISTEN_FDS");
  // The variables may have been inherited from a parent that they were meant for.
  if (pid == nullptr || count_text == nullptr || std::to_string(::getpid()) != pid) {
    return activated;
  }
  int count = 0;
  const char* end = count_text + std::strlen(count_text);
  const auto [last, error] = std::from_chars(count_text, end, count);
  if (error != std::errc() || last != end || count < 0 || count > kCountMax) {
    return Error(Errc::corrupt, "LISTEN_FDS is no count of at most " + std::to_string(kCountMax));
  }
  const char* names_text = variables("LISTEN_FDNAMES");
  const std::vector<std::string> names =
      names_text != nullptr ? split_names(names_text)
                            : std::vector<std::string>(static_cast<std::size_t>(count), "unknown");
  if (count > 0 && names.size() != static_cast<std::size_t>(count)) {
    return Error(Errc::corrupt, "LISTEN_FDS counts " + std::to_string(count) +
                                    " sockets, LISTEN_FDNAMES has " + std::to_string(names.size()) +
                                    " names");
  }
  for (int i = 0; i < count; ++i) {
    const int fd = kFirst + i;
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
      return posix_error(errno, "take over",
                         "descriptor " + std::to_string(fd) + " of those that LISTEN_FDS counts");
    }
    activated.sockets_.emplace_back(names[static_cast<std::size_t>(i)], Descriptor(fd));
  }
  return activated;
}

Descriptor ActivatedSockets::take(std::string_view name) {
  const auto found = std::find_if(sockets_.begin(), sockets_.end(),
                                  [&](const auto& socket) { return socket.first == name; });
  if (found == sockets_.end()) return Descriptor();
  Descriptor socket = std::move(found->second);
  sockets_.erase(found);
  return socket;
}

std::vector<std::string> ActivatedSockets::left() const {
  std::vector<std::string> names;
  for (const auto& [name, socket] : sockets_) names.push_back(name);
  return names;
}

}  // namespace stillframe::daemon
