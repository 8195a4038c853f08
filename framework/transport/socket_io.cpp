#include "framework/transport/socket_io.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

#include "framework/base/posix_error.hpp"
#include "framework/wire/frame.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(int) * wire::kMessageDescriptorsMax);

// Owns every descriptor of the message at once, so that none leaks whatever is found wrong later.
void take_descriptors(msghdr& message, std::vector<Descriptor>& out) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      out.emplace_back(fd);
    }
  }
}

}  // namespace

Result<Received> receive_some(int socket, char* buffer, std::size_t bytes_max) {
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  iovec part{buffer, bytes_max};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t n = 0;
  do {
    n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);

  Received received;
  if (n < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) return posix_error(errno, "receive from", "peer");
    received.would_block = true;
    return received;
  }
  take_descriptors(message, received.descriptors);
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    return Error(Errc::corrupt, "the peer sent more descriptors at once than a message may carry");
  }
  received.bytes = static_cast<std::size_t>(n);
  received.end = n == 0;
  return received;
}

Result<std::size_t> send_some(int socket, std::string_view bytes,
                              const std::vector<Descriptor>& descriptors) {
  alignas(cmsghdr) std::array<char, kControlBytes> control{};
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors.size());
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      const int fd = descriptors[i].get();
      std::memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof fd);
    }
  }
  ssize_t n = 0;
  do {
    n = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
    // Too many descriptors in flight for this user: passes once the peer has read some.
    if (errno == ETOOMANYREFS) {
      return Error(Errc::out_of_resources, "too many descriptors are in flight to peers");
    }
    return posix_error(errno, "send to", "peer");
  }
  return static_cast<std::size_t>(n);
}

}  // namespace stillframe
