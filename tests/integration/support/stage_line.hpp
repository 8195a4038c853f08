// How the processes of a test say where they are: datagrams to the test's socket, whose path is in
// the environment. Nobody waits for anybody.
#pragma once

#include <cstdlib>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

#include <stillframe/descriptor.hpp>

namespace stillframe::tests {

inline constexpr const char* kStageVariable = "STILLFRAME_TEST_STAGE";

class StageLine {
 public:
  explicit StageLine(std::string who)
      : who_(std::move(who)),
        socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}

  void tell(const std::string& step) const {
    const char* path = std::getenv(kStageVariable);
    if (path == nullptr) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::string(path).copy(to.sun_path, sizeof to.sun_path - 1);
    const std::string text = who_ + " " + step;
    (void)::sendto(socket_.get(), text.data(), text.size(), 0,
                   reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

 private:
  const std::string who_;
  const Descriptor socket_;
};

}  // namespace stillframe::tests
