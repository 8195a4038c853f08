// journald's native protocol: a datagram of FIELD=value lines. A value with a newline in it is
// written as FIELD, newline, its length as 64 bits little endian, the value, newline.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>

#include "framework/base/posix_error.hpp"
#include "framework/daemon/observe/event_output.hpp"

namespace stillframe::daemon {
namespace {

// A datagram must fit the socket's buffer (some 200 KiB by default).
constexpr std::size_t kValueBytesMax = 16 << 10;
constexpr std::size_t kDatagramBytesMax = 96 << 10;

void add_field(std::string& datagram, const std::string& name, std::string_view value) {
  value = value.substr(0, kValueBytesMax);
  if (datagram.size() + name.size() + value.size() + 16 > kDatagramBytesMax) return;
  if (value.find('\n') == std::string_view::npos) {
    datagram.append(name).append("=").append(value).append("\n");
    return;
  }
  datagram.append(name).append("\n");
  for (unsigned shift = 0; shift < 64; shift += 8)
    datagram.push_back(static_cast<char>(std::uint64_t{value.size()} >> shift & 0xff));
  datagram.append(value).append("\n");
}

// journald takes capital letters, digits and underscores.
std::string field_name(const std::string& name) {
  std::string field = "STILLFRAME_";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    field.push_back(byte < 128 && std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte))
                                                          : '_');
  }
  return field.substr(0, 64);
}

const char* priority(EventLevel level) {
  switch (level) {
    case EventLevel::info:
      return "6";
    case EventLevel::warning:
      return "4";
    case EventLevel::error:
      return "3";
  }
  return "3";
}

class JournaldOutput final : public EventOutput {
 public:
  JournaldOutput(BytePath socket, std::string identifier)
      : identifier_(std::move(identifier)), path_(std::move(socket)) {}

  Status write(const NumberedEvent& event) override {
    if (path_.empty() || path_.size() >= sizeof(sockaddr_un::sun_path)) return Ok{};
    if (!socket_.valid()) {
      socket_ = Descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      if (!socket_.valid()) return posix_error(errno, "cannot make a socket for", path_);
    }
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, path_.data(), path_.size());
    const std::string datagram = datagram_of(event);
    // Whatever the answer: an absent or busy journald is none of this process's troubles, and the
    // event is in the ring.
    (void)::sendto(socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&to), sizeof(to));
    return Ok{};
  }
  bool waits_for_disks() const override { return false; }

 private:
  std::string datagram_of(const NumberedEvent& event) const {
    const EventRecord& record = event.record;
    std::string datagram;
    add_field(datagram, "MESSAGE", record.message);
    add_field(datagram, "PRIORITY", priority(record.level));
    add_field(datagram, "SYSLOG_IDENTIFIER", identifier_);
    add_field(datagram, "STILLFRAME_EVENT_ID", std::to_string(record.id));
    add_field(datagram, "STILLFRAME_SEQ", std::to_string(event.sequence));
    add_field(datagram, "STILLFRAME_SOURCE", record.source);
    for (const auto& [name, value] : record.fields) add_field(datagram, field_name(name), value);
    return datagram;
  }

  const std::string identifier_;
  const BytePath path_;
  Descriptor socket_;
};

}  // namespace

std::unique_ptr<EventOutput> make_journald_output(BytePath socket, std::string identifier) {
  return std::make_unique<JournaldOutput>(std::move(socket), std::move(identifier));
}

}  // namespace stillframe::daemon
