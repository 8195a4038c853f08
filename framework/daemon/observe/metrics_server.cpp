#include "framework/daemon/observe/metrics_server.hpp"

#include <array>
#include <cerrno>
#include <set>

#include <arpa/inet.h>
#include <boost/asio.hpp>
#include <sys/socket.h>

#include "framework/base/posix_error.hpp"
#include "framework/transport/boot_timer.hpp"
#include "framework/transport/io_thread.hpp"
#include "framework/transport/unix_socket.hpp"

namespace stillframe::daemon {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

// What is listened on: a port, or a socket file with its lock.
class Door {
 public:
  static Result<Door> open(const MetricsAddress& address, unsigned socket_mode) {
    Door door;
    if (!address.socket.empty()) {
      ListenOptions listen;
      listen.socket_path = address.socket;
      listen.socket_mode = socket_mode;
      auto socket = ListeningSocket::open(listen);
      if (!socket.ok()) return socket.error();
      door.file_ = std::make_unique<ListeningSocket>(std::move(socket).value());
      return door;
    }
    return open_port(address);
  }

  int get() const { return file_ ? file_->get() : port_.get(); }
  int family() const { return file_ ? AF_UNIX : name_.ss_family; }
  int port() const {
    if (file_) return 0;
    return ntohs(name_.ss_family == AF_INET
                     ? reinterpret_cast<const sockaddr_in&>(name_).sin_port
                     : reinterpret_cast<const sockaddr_in6&>(name_).sin6_port);
  }
  // Invalid when nobody waits.
  Descriptor accept() const {
    return Descriptor(::accept4(get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  }

 private:
  static Result<Door> open_port(const MetricsAddress& address) {
    Door door;
    socklen_t size = 0;
    auto& four = reinterpret_cast<sockaddr_in&>(door.name_);
    auto& six = reinterpret_cast<sockaddr_in6&>(door.name_);
    if (::inet_pton(AF_INET, address.address.c_str(), &four.sin_addr) == 1) {
      four.sin_family = AF_INET;
      four.sin_port = htons(static_cast<std::uint16_t>(address.port));
      size = sizeof(four);
    } else if (::inet_pton(AF_INET6, address.address.c_str(), &six.sin6_addr) == 1) {
      six.sin6_family = AF_INET6;
      six.sin6_port = htons(static_cast<std::uint16_t>(address.port));
      size = sizeof(six);
    } else {
      return Error(Errc::invalid_argument, "'" + address.address + "' is no address");
    }
    const std::string object = address.address + " port " + std::to_string(address.port);
    door.port_ =
        Descriptor(::socket(door.name_.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int yes = 1;
    auto* const name = reinterpret_cast<sockaddr*>(&door.name_);
    if (!door.port_.valid() ||
        ::setsockopt(door.port_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        ::bind(door.port_.get(), name, size) != 0 || ::listen(door.port_.get(), 64) != 0 ||
        ::getsockname(door.port_.get(), name, &size) != 0)
      return posix_error(errno, "cannot listen on", object);
    return door;
  }

  std::unique_ptr<ListeningSocket> file_;
  Descriptor port_;
  sockaddr_storage name_{};
};

std::string response(const std::string& status, const std::string& type, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
         body;
}

std::string refusal(const std::string& status, const std::string& more = "") {
  std::string text = response(status, "text/plain; charset=utf-8", status + "\n");
  if (!more.empty()) text.insert(text.find("\r\n") + 2, more + "\r\n");
  return text;
}

std::string answer_to(const std::string& head, const std::function<std::string()>& text) {
  const std::string line = head.substr(0, head.find("\r\n"));
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string::npos || last <= first || line.compare(last + 1, 7, "HTTP/1.") != 0)
    return refusal("400 Bad Request");
  const std::string method = line.substr(0, first);
  std::string path = line.substr(first + 1, last - first - 1);
  path = path.substr(0, path.find('?'));
  if (method != "GET" && method != "HEAD")
    return refusal("405 Method Not Allowed", "Allow: GET, HEAD");
  if (path != "/metrics" && path != "/") return refusal("404 Not Found");
  std::string whole = response("200 OK", "text/plain; version=0.0.4; charset=utf-8", text());
  return method == "GET" ? whole : whole.substr(0, whole.find("\r\n\r\n") + 4);
}

// One exchange, shared by the server and what is under way on its socket.
struct Visit {
  Visit(asio::io_context& context, int family, Descriptor descriptor)
      : socket(context, asio::generic::stream_protocol(family, 0), descriptor.release()) {}
  Socket socket;
  std::unique_ptr<BootTimer> limit;
  std::string request, reply;
};
using SharedVisit = std::shared_ptr<Visit>;

// Everything below runs on the io thread, except construction and destruction.
class SocketMetricsServer final : public MetricsServer {
 public:
  SocketMetricsServer(std::unique_ptr<IoThread> io, Door door, std::function<std::string()> text,
                      MetricsServerOptions options)
      : text_(std::move(text)), options_(options), door_(std::move(door)), io_(std::move(io)) {}

  Status listen() {
    Status status = Ok{};
    io_->run([&] {
      auto timer = BootTimer::create(*io_);
      if (!timer.ok()) {
        status = timer.error();
        return;
      }
      rest_ = std::move(timer).value();
      watch_ = std::make_unique<asio::posix::stream_descriptor>(io_->context(), door_.get());
      wait();
    });
    return status;
  }

  ~SocketMetricsServer() override {
    io_->run([this] {
      if (watch_) watch_->release();  // the door closes it
      watch_.reset();
      rest_.reset();
      const auto visits = visits_;
      for (const auto& visit : visits) end(visit);
    });
    io_->run([] {});  // what the closing posted has run after this
    io_->stop();
  }

  int port() const override { return door_.port(); }

 private:
  void wait() {
    if (waiting_ || !watch_ || visits_.size() >= options_.connections_max) return;
    waiting_ = true;
    watch_->async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
      if (error || !watch_) return;
      waiting_ = false;
      Descriptor guest = door_.accept();
      const bool exhausted = !guest.valid() && errno != EAGAIN && errno != ECONNABORTED;
      if (guest.valid()) admit(std::move(guest));
      if (exhausted) return rest();
      wait();
    });
  }

  // Without a descriptor for the guest its knocking would be heard again at once, for ever.
  void rest() {
    constexpr std::chrono::milliseconds kRest{100};
    rest_->arm(clock_.now() + kRest, [this] { wait(); });
  }

  void admit(Descriptor guest) {
    auto timer = BootTimer::create(*io_);
    if (!timer.ok()) return;  // no descriptor for it: closing the guest's is what helps
    auto visit = std::make_shared<Visit>(io_->context(), door_.family(), std::move(guest));
    visit->limit = std::move(timer).value();
    visit->limit->arm(clock_.now() + options_.time_max, [this, weak = std::weak_ptr(visit)] {
      if (const auto late = weak.lock()) end(late);
    });
    visits_.insert(visit);
    read(visit);
  }

  void read(const SharedVisit& visit) {
    asio::async_read_until(visit->socket,
                           asio::dynamic_buffer(visit->request, options_.request_bytes_max),
                           "\r\n\r\n", [this, visit](const error_code& error, std::size_t) {
                             if (visits_.count(visit) == 0) return;
                             if (error == asio::error::not_found)
                               return write(visit, refusal("431 Request Header Fields Too Large"));
                             if (error) return end(visit);
                             write(visit, answer_to(visit->request, text_));
                           });
  }

  void write(const SharedVisit& visit, std::string reply) {
    visit->reply = std::move(reply);
    asio::async_write(visit->socket, asio::buffer(visit->reply),
                      [this, visit](const error_code&, std::size_t) {
                        if (visits_.count(visit) != 0) end(visit);
                      });
  }

  void end(const SharedVisit& visit) {
    error_code ignored;
    visit->limit->cancel();
    visit->socket.shutdown(Socket::shutdown_both, ignored);
    visit->socket.close(ignored);
    visits_.erase(visit);
    wait();
  }

  const std::function<std::string()> text_;
  const MetricsServerOptions options_;
  const Clock& clock_ = system_clock();
  const Door door_;
  std::set<SharedVisit> visits_;
  bool waiting_ = false;
  std::unique_ptr<IoThread> io_;
  std::unique_ptr<BootTimer> rest_;
  std::unique_ptr<asio::posix::stream_descriptor> watch_;
};

}  // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const MetricsAddress& address,
                                                            std::function<std::string()> text,
                                                            MetricsServerOptions options) {
  auto door = Door::open(address, options.socket_mode);
  if (!door.ok()) return door.error().while_doing("serving metrics");
  auto io = IoThread::start("sf-metrics");
  if (!io.ok()) return io.error();
  auto server = std::make_unique<SocketMetricsServer>(
      std::move(io).value(), std::move(door).value(), std::move(text), options);
  if (Status s = server->listen(); !s.ok()) return s.error().while_doing("serving metrics");
  return std::unique_ptr<MetricsServer>(std::move(server));
}

}  // namespace stillframe::daemon
