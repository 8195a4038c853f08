#include "writers/dedup/engine/control_socket.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "framework/base/path.hpp"
#include "framework/base/posix_error.hpp"
#include "framework/io/file.hpp"

namespace stillframe::dedup {

namespace {

constexpr int kControlBacklog = 16;
constexpr int kControlSendTimeoutS = 30;  // then whoever asked counts as gone

Result<sockaddr_un> control_address(const BytePath& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error(Errc::invalid_argument, quoted_path(path) + " is too long for a socket");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Status send_line(int socket, const Json& json) {
  // What is not UTF-8 was escaped where it came from; what was forgotten must not end the process.
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t n = ::send(socket, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return posix_error(errno, "answer on", "the control socket");
    sent += static_cast<std::size_t>(n);
  }
  return Ok{};
}

// Reads lines; what came behind one is kept for the next.
class LineReader {
 public:
  explicit LineReader(int socket) : socket_(socket) {}

  Result<std::string> next() {
    for (;;) {
      const std::size_t end = pending_.find('\n', searched_);
      if (end != std::string::npos) {
        std::string line = pending_.substr(0, end);
        pending_.erase(0, end + 1);
        searched_ = 0;
        return line;
      }
      searched_ = pending_.size();
      if (pending_.size() > kControlLineBytesMax) {
        return Error(Errc::limit_reached, "a line on the control socket is too long");
      }
      char buffer[16384];
      const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return posix_error(errno, "read from", "the control socket");
      if (n == 0) return Error(Errc::disconnected, "the other side of the control socket ended");
      pending_.append(buffer, static_cast<std::size_t>(n));
    }
  }

 private:
  const int socket_;
  std::string pending_;
  std::size_t searched_ = 0;
};

bool may_ask(int socket) {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
         (peer.uid == 0 || peer.uid == ::geteuid());
}

bool hung_up(int socket) {
  pollfd at{socket, POLLRDHUP, 0};
  return ::poll(&at, 1, 0) > 0;
}

Json error_json(const Error& error) {
  return Json{{"error", static_cast<int>(error.code())}, {"message", error.what()}};
}

}  // namespace

Result<BytePath> control_socket_path(const BytePath& folder, const BytePath& device) {
  struct stat about {};
  if (::stat(device.c_str(), &about) != 0) return posix_error(errno, "examine", device);
  if (!S_ISBLK(about.st_mode)) {
    return Error(Errc::invalid_argument, quoted_path(device) + " is no block device");
  }
  return folder + "/" + std::to_string(major(about.st_rdev)) + "-" +
         std::to_string(minor(about.st_rdev));
}

Result<std::optional<Json>> parse_control_line(std::string_view line,
                                               const std::function<void(const Json&)>& told) {
  Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return Error(Errc::corrupt, "the control socket said what is no object");
  if (const auto progress = json.find("progress"); progress != json.end()) {
    if (told) told(*progress);
    return std::optional<Json>();
  }
  if (const auto answer = json.find("answer"); answer != json.end()) {
    return std::optional<Json>(std::move(*answer));
  }
  const auto error = json.find("error"), message = json.find("message");
  if (error == json.end() || !error->is_number_integer() || message == json.end() ||
      !message->is_string()) {
    return Error(Errc::corrupt, "the control socket said neither an answer nor an error");
  }
  return Error(errc_from_number(error->get<int>()), message->get<std::string>());
}

Result<std::unique_ptr<ControlServer>> ControlServer::start(const BytePath& path,
                                                            VolumeSession& session) {
  const auto address = control_address(path);
  if (!address.ok()) return address.error();
  if (Status s = make_directories(parent_path(path), 0700); !s.ok()) return s.error();
  if (Status s = remove_file(path); !s.ok()) return s.error();
  std::unique_ptr<ControlServer> server(new ControlServer(path, session));
  server->listening_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  server->stop_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
  if (!server->listening_.valid() || !server->stop_.valid()) {
    return posix_error(errno, "make", "the control socket");
  }
  const int fd = server->listening_.get();
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.value()), sizeof(sockaddr_un)) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd, kControlBacklog) != 0) {
    return posix_error(errno, "listen on", path);
  }
  server->thread_ = std::thread([accepting = server.get()] { accepting->accept_clients(); });
  return server;
}

ControlServer::~ControlServer() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  (void)::eventfd_write(stop_.get(), 1);
  thread_.join();
  (void)remove_file(path_);
  for (const auto& client : clients_) {
    (void)::shutdown(client->socket.get(), SHUT_RD);
    client->thread.join();
  }
}

void ControlServer::accept_clients() {
  while (!stopping_) {
    pollfd either[2] = {{listening_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (::poll(either, 2, -1) < 0 && errno != EINTR) return;
    if (stopping_) return;
    Descriptor socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    forget_those_that_are_done();
    if (!socket.valid() || !may_ask(socket.get())) continue;
    const timeval timeout{kControlSendTimeoutS, 0};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (clients_.size() >= kControlClientsMax) {
      (void)send_line(socket.get(),
                      error_json(Error(Errc::out_of_resources, "too many ask at once: try again")));
      continue;
    }
    Client& client = *clients_.emplace_back(std::make_unique<Client>());
    client.socket = std::move(socket);
    client.thread = std::thread([this, &client] { serve(client); });
  }
}

void ControlServer::forget_those_that_are_done() {
  clients_.remove_if([](const std::unique_ptr<Client>& client) {
    if (!client->done) return false;
    client->thread.join();
    return true;
  });
}

void ControlServer::serve(Client& client) {
  const int socket = client.socket.get();
  const auto line = LineReader(socket).next();
  if (line.ok()) {
    const auto tell = [&](const Json& progress) {
      return !stopping_ && !hung_up(socket) && send_line(socket, Json{{"progress", progress}}).ok();
    };
    const auto answer = session_.answer(Json::parse(line.value(), nullptr, false), tell);
    (void)send_line(socket,
                    answer.ok() ? Json{{"answer", answer.value()}} : error_json(answer.error()));
  }
  (void)::shutdown(socket, SHUT_RDWR);
  client.done = true;
}

Result<ControlClient> ControlClient::connect(const BytePath& path) {
  const auto address = control_address(path);
  if (!address.ok()) return address.error();
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return posix_error(errno, "make", "a socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.value()),
                sizeof(sockaddr_un)) == 0) {
    return ControlClient(std::move(socket));
  }
  if (errno == ENOENT || errno == ECONNREFUSED) {
    return Error(Errc::disconnected, "nobody listens on " + quoted_path(path));
  }
  return posix_error(errno, "connect to", path);
}

Result<Json> ControlClient::ask(const Json& question,
                                const std::function<void(const Json&)>& told) {
  if (Status s = send_line(socket_.get(), question); !s.ok()) return s.error();
  LineReader lines(socket_.get());
  for (;;) {
    const auto line = lines.next();
    if (!line.ok()) return line.error();
    auto answer = parse_control_line(line.value(), told);
    if (!answer.ok()) return answer.error();
    if (answer.value()) return *std::move(answer).value();
  }
}

void ControlClient::wait_at_most(std::chrono::milliseconds timeout) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(timeout - seconds);
  const timeval limit{static_cast<time_t>(seconds.count()), static_cast<suseconds_t>(rest.count())};
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

void ControlClient::hang_up() {
  (void)::shutdown(socket_.get(), SHUT_RDWR);
}

pid_t ControlClient::peer() const {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  return ::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 ? peer.pid : -1;
}

}  // namespace stillframe::dedup
