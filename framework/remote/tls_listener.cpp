#include "framework/remote/tls_listener.hpp"

#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/socket.h>

#include "framework/base/posix_error.hpp"
#include "framework/remote/tls_connection.hpp"
#include "framework/transport/boot_timer.hpp"

namespace stillframe {
namespace {

using StreamDescriptor = boost::asio::posix::stream_descriptor;
constexpr std::chrono::milliseconds kAcceptPause{50};
constexpr int kAcceptsPerTurn = 16;

// Where control connections go. Shared by the listener's thread and whoever serves them.
struct Outlet {
  std::mutex mutex;  // held while a connection is handed over, so that `io` is still there
  IoThread* io = nullptr;
  ConnectionOptions options;
  Listener::AcceptedHandler accepted;
};

class ControlListener final : public Listener {
 public:
  explicit ControlListener(std::shared_ptr<Outlet> outlet) : outlet_(std::move(outlet)) {}
  ~ControlListener() override {
    const std::lock_guard lock(outlet_->mutex);
    outlet_->io = nullptr;
    outlet_->accepted = nullptr;
  }

 private:
  const std::shared_ptr<Outlet> outlet_;  // shared with the listener, which may live longer
};

// A connection that has not proven anything yet. Shared with the waits for it.
struct Guest {
  Descriptor socket;                  // until it is known what it is for
  std::optional<TlsSession> session;  // from then on
  std::optional<StreamDescriptor> readiness;
  std::unique_ptr<BootTimer> limit;
  std::string address;
  bool waits_for_rest = false;
  bool gone = false;
};
using SharedGuest = std::shared_ptr<Guest>;

// Everything but construction, destruction and the public calls runs on its own thread.
class SocketTlsListener final : public TlsListener {
 public:
  SocketTlsListener(TlsListenOptions options, TlsContext context, MoverHandler mover,
                    RefusedHandler refused, std::unique_ptr<IoThread> io)
      : options_(std::move(options)),
        on_mover_(std::move(mover)),
        on_refused_(std::move(refused)),
        context_(std::move(context)),
        io_(std::move(io)) {}

  ~SocketTlsListener() override {
    io_->run([this] {
      if (readiness_) readiness_->release();
      readiness_.reset();
      pause_.reset();
      for (const SharedGuest& guest : std::set<SharedGuest>(guests_)) let_go(guest);
    });
    io_->stop();
  }

  Status listen() {
    auto socket = listen_tcp(options_.address);
    if (!socket.ok()) return socket.error();
    auto port = local_port(socket.value().get());
    if (!port.ok()) return port.error();
    port_ = port.value();
    socket_ = std::move(socket).value();
    auto pause = BootTimer::create(*io_);
    if (!pause.ok()) return pause.error();
    pause_ = std::move(pause).value();
    io_->run([this] {
      readiness_.emplace(io_->context(), socket_.get());
      wait_for_more();
    });
    return Ok{};
  }

  void use(TlsContext context) override {
    const std::lock_guard lock(context_mutex_);
    context_ = std::move(context);
  }

  std::uint16_t port() const override { return port_; }

  std::unique_ptr<Listener> control_connections(IoThread& io, ConnectionOptions connection,
                                                Listener::AcceptedHandler accepted) override {
    const std::lock_guard lock(outlet_->mutex);
    outlet_->io = &io;
    outlet_->options = connection;
    outlet_->accepted = std::move(accepted);
    return std::make_unique<ControlListener>(outlet_);
  }

 private:
  void wait_for_more() {
    readiness_->async_wait(StreamDescriptor::wait_read,
                           [this](const boost::system::error_code& error) {
                             if (!error) accept_some();
                           });
  }

  void accept_some() {
    for (int turn = 0; turn < kAcceptsPerTurn; ++turn) {
      Descriptor socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (socket.valid()) {
        welcome(std::move(socket));
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      // Out of descriptors or memory: others close some meanwhile.
      return pause_->arm(system_clock().now() + kAcceptPause, [this] { wait_for_more(); });
    }
    wait_for_more();
  }

  void welcome(Descriptor socket) {
    auto guest = std::make_shared<Guest>();
    guest->address = peer_address(socket.get());
    std::size_t& from_there = per_address_[guest->address];
    const bool full = guests_.size() >= options_.arrivals_max ||
                      from_there >= options_.arrivals_from_one_address_max;
    auto limit = full ? Result<std::unique_ptr<BootTimer>>(
                            Error(Errc::limit_reached, "too many handshakes are under way"))
                      : BootTimer::create(*io_);
    if (!limit.ok()) {
      if (from_there == 0) per_address_.erase(guest->address);
      return;  // not told to anybody: a flood must not fill the log either
    }
    ++from_there;
    guest->limit = std::move(limit).value();
    guest->limit->arm(system_clock().now() + options_.handshake_limit,
                      [this, weak = std::weak_ptr(guest)] {
                        if (const SharedGuest late = weak.lock())
                          turn_away(late, Error(Errc::timed_out, "the handshake took too long"));
                      });
    guest->socket = std::move(socket);
    guest->readiness.emplace(io_->context(), guest->socket.get());
    guests_.insert(guest);
    look(guest);
  }

  void wait(const SharedGuest& guest, StreamDescriptor::wait_type what,
            void (SocketTlsListener::*next)(const SharedGuest&)) {
    guest->readiness->async_wait(what, [this, guest, next](const boost::system::error_code& error) {
      if (!error && !guest->gone) (this->*next)(guest);
    });
  }

  // What it is for. The bytes stay in the socket: those of TLS are TLS's.
  void look(const SharedGuest& guest) {
    std::array<char, kMoverPreambleBytes> first;
    const ssize_t came =
        ::recv(guest->socket.get(), first.data(), first.size(), MSG_PEEK | MSG_DONTWAIT);
    if (came < 0 && (errno == EAGAIN || errno == EINTR))
      return wait(guest, StreamDescriptor::wait_read, &SocketTlsListener::look);
    if (came <= 0) return let_go(guest);
    auto arrival = judge_arrival({first.data(), static_cast<std::size_t>(came)});
    if (!arrival.ok()) return turn_away(guest, arrival.error());
    if (!arrival.value()) return wait_for_rest(guest);
    if (arrival.value()->kind == Arrival::Kind::mover) {
      (void)::recv(guest->socket.get(), first.data(), first.size(), MSG_DONTWAIT);
      Descriptor socket = take_socket(guest);
      return on_mover_(arrival.value()->mover, std::move(socket));
    }
    begin_tls(guest);
  }

  // A peeked socket stays readable; the low-water mark makes it wait for the whole preamble.
  void wait_for_rest(const SharedGuest& guest) {
    // Woken before that: no more will come.
    if (std::exchange(guest->waits_for_rest, true)) return let_go(guest);
    const int whole = static_cast<int>(kMoverPreambleBytes);
    (void)::setsockopt(guest->socket.get(), SOL_SOCKET, SO_RCVLOWAT, &whole, sizeof whole);
    wait(guest, StreamDescriptor::wait_read, &SocketTlsListener::look);
  }

  void begin_tls(const SharedGuest& guest) {
    TlsContext context;
    {
      const std::lock_guard lock(context_mutex_);
      context = context_;
    }
    auto session = TlsSession::serve(std::move(guest->socket), context);
    if (!session.ok()) return turn_away(guest, session.error());
    guest->session.emplace(std::move(session).value());
    shake(guest);
  }

  void shake(const SharedGuest& guest) {
    auto step = guest->session->handshake();
    if (!step.ok()) return turn_away(guest, step.error());
    switch (step.value()) {
      case TlsStep::wants_read:
        return wait(guest, StreamDescriptor::wait_read, &SocketTlsListener::shake);
      case TlsStep::wants_write:
        return wait(guest, StreamDescriptor::wait_write, &SocketTlsListener::shake);
      case TlsStep::ended:
        return let_go(guest);
      case TlsStep::done:
        return hand_over(guest);
    }
  }

  void hand_over(const SharedGuest& guest) {
    auto peer = guest->session->peer();
    if (!peer.ok()) return turn_away(guest, peer.error());
    PeerCredentials credentials;
    credentials.certificate = peer.value().name;
    credentials.certificate_sha256 = to_hex(peer.value().certificate);
    credentials.address = guest->address;
    guest->readiness->release();
    guest->readiness.reset();
    auto session = std::make_shared<TlsSession>(std::move(*guest->session));
    guest->session.reset();
    let_go(guest);
    const std::lock_guard lock(outlet_->mutex);
    if (outlet_->io == nullptr) return;
    outlet_->io->post([outlet = outlet_, session, credentials] {
      // On the serving thread, so that nothing is accepted while it is being ended.
      std::unique_lock still(outlet->mutex);
      if (outlet->io == nullptr) return;
      IoThread& io = *outlet->io;
      const ConnectionOptions options = outlet->options;
      const auto accepted = outlet->accepted;
      still.unlock();
      accepted(adopt_tls(io, std::move(*session), credentials, options));
    });
  }

  Descriptor take_socket(const SharedGuest& guest) {
    guest->readiness->release();
    guest->readiness.reset();
    Descriptor socket = std::move(guest->socket);
    const int one = 1;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
    watch_for_silence(socket.get(), Traffic::bulk);
    let_go(guest);
    return socket;
  }

  void turn_away(const SharedGuest& guest, const Error& why) {
    const std::string address = guest->address;
    let_go(guest);
    on_refused_(address, why);
  }

  void let_go(const SharedGuest& guest) {
    if (std::exchange(guest->gone, true)) return;
    guest->limit->cancel();
    if (guest->readiness) guest->readiness->release();
    guest->readiness.reset();
    guest->session.reset();
    guest->socket.reset();
    const auto count = per_address_.find(guest->address);
    if (--count->second == 0) per_address_.erase(count);
    guests_.erase(guest);
  }

  const TlsListenOptions options_;
  const MoverHandler on_mover_;
  const RefusedHandler on_refused_;
  std::mutex context_mutex_;
  TlsContext context_;
  // shared: with connections on their way and with the ControlListener.
  const std::shared_ptr<Outlet> outlet_ = std::make_shared<Outlet>();
  Descriptor socket_;
  std::uint16_t port_ = 0;
  std::unique_ptr<BootTimer> pause_;
  std::optional<StreamDescriptor> readiness_;
  std::set<SharedGuest> guests_;
  std::map<std::string, std::size_t> per_address_;  // of `guests_`; none is 0
  std::unique_ptr<IoThread> io_;                    // last: its thread uses the rest
};

}  // namespace

Result<std::unique_ptr<TlsListener>> TlsListener::start(TlsListenOptions options,
                                                        TlsContext context, MoverHandler mover,
                                                        RefusedHandler refused) {
  auto io = IoThread::start("sf-tls");
  if (!io.ok()) return io.error();
  auto listener =
      std::make_unique<SocketTlsListener>(std::move(options), std::move(context), std::move(mover),
                                          std::move(refused), std::move(io).value());
  if (Status s = listener->listen(); !s.ok())
    return s.error().while_doing("listening for other machines");
  return std::unique_ptr<TlsListener>(std::move(listener));
}

}  // namespace stillframe
