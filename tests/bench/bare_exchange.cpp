#include "tests/bench/bare_exchange.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"

namespace stillframe {
namespace {

constexpr int kLevels = 3;
constexpr std::size_t kCallBytes = 180;    // of a call to freeze, with its frame
constexpr std::size_t kAnswerBytes = 100;  // of an answer to thaw, with its frame
constexpr int kEventsMax = 64;
constexpr auto kBetweenRounds = std::chrono::milliseconds(3);  // everybody is asleep by then

using Events = std::array<epoll_event, kEventsMax>;

// Ends with its last socket.
[[noreturn]] void answer_for_ever(const std::vector<int>& sockets) {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  for (const int socket : sockets) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
  }
  std::array<char, 512> bytes{};
  Events events;
  for (;;) {
    const int ready = ::epoll_wait(poll, events.data(), kEventsMax, -1);
    for (int i = 0; i < ready; ++i) {
      const int socket = events[static_cast<std::size_t>(i)].data.fd;
      if (::recv(socket, bytes.data(), bytes.size(), 0) <= 0) ::_exit(0);
      if (::send(socket, bytes.data(), kAnswerBytes, MSG_NOSIGNAL) < 0) ::_exit(0);
    }
  }
}

class BarePeers {
 public:
  ~BarePeers() {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  Status start(const BareExchange& exchange) {
    poll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    if (!poll_.valid()) return posix_error(errno, "create", "epoll");
    const int each = exchange.writers / exchange.processes;
    for (int process = 0; process < exchange.processes; ++process)
      if (Status s = start_one(each); !s.ok()) return s;
    return Ok{};
  }

  void call_level(std::size_t level) {
    std::array<char, 512> bytes{};
    std::size_t open = 0;
    for (std::size_t i = level; i < sockets_.size(); i += kLevels, ++open)
      (void)::send(sockets_[i].get(), bytes.data(), kCallBytes, MSG_NOSIGNAL);
    Events events;
    while (open > 0) {
      const int ready = ::epoll_wait(poll_.get(), events.data(), kEventsMax, -1);
      for (int i = 0; i < ready; ++i, --open)
        (void)::recv(events[static_cast<std::size_t>(i)].data.fd, bytes.data(), bytes.size(), 0);
    }
  }

 private:
  Status start_one(int writers) {
    std::vector<int> theirs;
    for (int i = 0; i < writers; ++i) {
      int pair[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return posix_error(errno, "create", "socket pair");
      sockets_.emplace_back(pair[0]);
      theirs.push_back(pair[1]);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = pair[0];
      ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, pair[0], &event);
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
      sockets_.clear();  // or nobody's would ever be the last
      answer_for_ever(theirs);
    }
    for (const int socket : theirs) ::close(socket);
    if (pid < 0) return posix_error(errno, "start", "process");
    pids_.push_back(pid);
    return Ok{};
  }

  Descriptor poll_;
  std::vector<Descriptor> sockets_;
  std::vector<pid_t> pids_;
};

}  // namespace

Result<std::vector<Duration>> measure_bare(const BareExchange& exchange, int rounds) {
  BarePeers peers;
  if (Status s = peers.start(exchange); !s.ok()) return s.error();
  std::vector<Duration> took;
  const auto all_levels = [&peers] {
    const auto begun = std::chrono::steady_clock::now();
    for (std::size_t level = 0; level < kLevels; ++level) peers.call_level(level);
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begun);
  };
  for (int round = 0; round < rounds; ++round) {
    std::this_thread::sleep_for(kBetweenRounds);
    Duration whole = all_levels();
    std::this_thread::sleep_for(exchange.pause);
    whole += all_levels();
    took.push_back(whole);
  }
  std::sort(took.begin(), took.end());
  return took;
}

}  // namespace stillframe
