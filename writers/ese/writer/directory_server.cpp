// The end of a channel that has the server.
#include <algorithm>
#include <atomic>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>

#include <stillframe/ntds/directory_channel.hpp>
#include <stillframe/ntds/ntdshost.h>

#include "framework/base/posix_error.hpp"
#include "framework/transport/peer.hpp"
#include "framework/transport/unix_socket.hpp"
#include "writers/ese/writer/channel_frames.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kConnectionsMax = 16;  // each is a thread
// Of somebody who has not shown that he may restore here. A restore takes as long as its files do.
constexpr Duration kStrangersTime = std::chrono::seconds(10);
constexpr Duration kMessageTime = std::chrono::seconds(30);
constexpr int kTidyTime = 1000;  // ms; between looks for connections that have ended

// The session of one connection; closed on every way out.
class ServedSession {
 public:
  static Result<ServedSession> open(const std::string& server, std::int64_t user) {
    HBC handle = nullptr;
    const HRESULT opened = DsSessionOpen(server.c_str(), static_cast<std::uint32_t>(user), &handle);
    if (opened != hrNone) return Error(Errc::not_found, "there is no such server", opened);
    return ServedSession(handle);
  }
  ServedSession(ServedSession&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  ServedSession& operator=(ServedSession&&) = delete;
  ~ServedSession() {
    if (handle_ != nullptr) DsSessionClose(handle_);
  }

  Result<std::vector<std::byte>> exchange(const std::vector<std::byte>& request) {
    void* answer = nullptr;
    std::uint32_t bytes = 0;
    std::int32_t restoring = 0;
    // Not null, even when it is empty.
    const void* from = request.empty() ? static_cast<const void*>("") : request.data();
    const HRESULT done = DsSessionExchange(
        handle_, from, static_cast<std::uint32_t>(request.size()), &answer, &bytes, &restoring);
    if (done != hrNone) return Error(Errc::internal, "a session answers nothing", done);
    const auto* begin = static_cast<const std::byte*>(answer);
    std::vector<std::byte> copy(begin, begin + bytes);
    DsBackupFree(answer);
    restoring_ = restoring != 0;
    return copy;
  }
  bool restoring() const noexcept { return restoring_; }

 private:
  explicit ServedSession(HBC handle) : handle_(handle) {}

  HBC handle_;
  bool restoring_ = false;
};

class SocketDirectoryServer final : public stillframe::ntds::DirectoryServer {
 public:
  SocketDirectoryServer(std::string server, ListeningSocket listening, Descriptor stop)
      : server_(std::move(server)), listening_(std::move(listening)), stop_(std::move(stop)) {}
  ~SocketDirectoryServer() override {
    ::eventfd_write(stop_.get(), 1);
    if (accepting_.joinable()) accepting_.join();
    for (Served& each : connections_) each.thread.join();
  }

  Status start() {
    try {
      accepting_ = std::thread([this] { accept_all(); });
    } catch (const std::system_error& e) {
      return Error(Errc::out_of_resources, std::string("cannot serve a directory: ") + e.what());
    }
    return Ok{};
  }

 private:
  struct Served {
    std::thread thread;
    std::atomic<bool> ended{false};
  };

  // ---- The thread that accepts, which alone knows the connections.

  void accept_all() {
    for (;;) {
      pollfd fds[2] = {{listening_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      const int ready = ::poll(fds, 2, kTidyTime);
      remove_ended();
      if (ready > 0 && fds[1].revents != 0) return;
      if (ready > 0 && fds[0].revents != 0) accept_one();
    }
  }
  void remove_ended() {
    for (auto at = connections_.begin(); at != connections_.end();) {
      if (!at->ended) {
        ++at;
        continue;
      }
      at->thread.join();
      at = connections_.erase(at);
    }
  }
  void accept_one() {
    auto accepted = listening_.accept();
    if (!accepted.ok() || !accepted.value().valid()) return;
    if (connections_.size() >= kConnectionsMax) return;  // hangs up
    Served& served = connections_.emplace_back();
    auto socket = std::make_shared<Descriptor>(std::move(accepted).value());
    try {
      served.thread = std::thread([this, socket, &served] {
        serve(socket->get());
        socket->reset();
        served.ended = true;
      });
    } catch (const std::system_error&) {
      connections_.pop_back();
    }
  }

  // ---- A thread for each connection.

  void serve(int socket) const {
    const auto peer = peer_credentials(socket);
    if (!peer.ok()) return;
    auto session = ServedSession::open(server_, peer.value().uid);
    if (!session.ok()) return;
    for (;;) {
      FrameWait wait{std::nullopt, kMessageTime};
      if (!session.value().restoring()) wait.first = system_clock().now() + kStrangersTime;
      const auto request = receive_frame(socket, stop_.get(), wait);
      if (!request.ok() || !request.value()) return;
      const auto answer = session.value().exchange(*request.value());
      if (!answer.ok()) return;
      const BootTime latest = system_clock().now() + kMessageTime;
      if (!send_frame(socket, stop_.get(), answer.value(), latest).ok()) return;
    }
  }

  const std::string server_;
  const ListeningSocket listening_;
  const Descriptor stop_;
  std::list<Served> connections_;
  std::thread accepting_;
};

}  // namespace

}  // namespace stillframe::ese

namespace stillframe::ntds {

Result<std::unique_ptr<DirectoryServer>> DirectoryServer::start(
    const DirectoryServerOptions& options) {
  ListenOptions listen;
  listen.socket_path = options.socket;
  listen.socket_mode = options.socket_mode;
  listen.directory_mode = 0755;
  auto listening = ListeningSocket::open(listen);
  if (!listening.ok()) return listening.error();
  Descriptor stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) return posix_error(errno, "create", "an eventfd");
  auto server = std::make_unique<ese::SocketDirectoryServer>(
      options.server, std::move(listening).value(), std::move(stop));
  if (Status s = server->start(); !s.ok()) return s.error();
  return std::unique_ptr<DirectoryServer>(std::move(server));
}

}  // namespace stillframe::ntds
