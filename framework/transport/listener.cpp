#include "framework/transport/listener.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "framework/transport/boot_timer.hpp"
#include "framework/transport/unix_socket.hpp"
#include "framework/wire/message.hpp"

namespace stillframe {
namespace {

using StreamDescriptor = boost::asio::posix::stream_descriptor;

// Out of descriptors or memory: others close some meanwhile.
constexpr std::chrono::milliseconds kAcceptPause{50};
constexpr int kAcceptsPerTurn = 64;

class UnixListener : public Listener {
 public:
  UnixListener(IoThread& io, ListeningSocket socket, std::unique_ptr<BootTimer> pause,
               ListenOptions options, ConnectionOptions connection, AcceptedHandler accepted)
      : state_(std::make_shared<State>(io, std::move(socket), std::move(pause), std::move(options),
                                       connection, std::move(accepted))) {
    io.post([state = state_] { wait(state); });
  }

  ~UnixListener() override {
    state_->closed = true;
    state_->pause->cancel();
    state_->readiness.release();  // the ListeningSocket owns the descriptor
    state_->accepted = nullptr;
  }

 private:
  struct State {
    State(IoThread& io_thread, ListeningSocket listening, std::unique_ptr<BootTimer> timer,
          ListenOptions listen_options, ConnectionOptions connection, AcceptedHandler handler)
        : io(io_thread),
          socket(std::move(listening)),
          readiness(io.context(), socket.get()),
          pause(std::move(timer)),
          options(std::move(listen_options)),
          connection_options(connection),
          accepted(std::move(handler)) {}
    ~State() {
      if (readiness.is_open()) readiness.release();
    }

    IoThread& io;
    ListeningSocket socket;
    StreamDescriptor readiness;
    std::unique_ptr<BootTimer> pause;
    const ListenOptions options;
    const ConnectionOptions connection_options;
    AcceptedHandler accepted;
    bool closed = false;
  };

  static void wait(const std::shared_ptr<State>& state) {
    if (state->closed) return;
    state->readiness.async_wait(StreamDescriptor::wait_read,
                                [state](const boost::system::error_code& error) {
                                  if (!error && !state->closed) accept_some(state);
                                });
  }

  static void accept_some(const std::shared_ptr<State>& state) {
    for (int turn = 0; turn < kAcceptsPerTurn && !state->closed; ++turn) {
      auto socket = state->socket.accept();
      if (!socket.ok()) {
        return state->pause->arm(system_clock().now() + kAcceptPause, [state] { wait(state); });
      }
      if (!socket.value().valid()) break;
      take(*state, std::move(socket).value());
    }
    wait(state);
  }

  // Whoever is refused is told why, unless it is gone already.
  static void take(State& state, Descriptor socket) {
    auto connection = Connection::adopt(state.io, std::move(socket), state.connection_options);
    if (!connection.ok()) return;
    if (state.options.admit) {
      if (Status admitted = state.options.admit(connection.value()->peer()); !admitted.ok()) {
        connection.value()->send(wire::encode(wire::Refuse{admitted.error()}));
        connection.value()->close(admitted.error());
        return;
      }
    }
    state.accepted(std::move(connection).value());
  }

  std::shared_ptr<State> state_;
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::start(IoThread& io, ListenOptions options,
                                                  ConnectionOptions connection,
                                                  AcceptedHandler accepted) {
  auto socket = ListeningSocket::open(options);
  if (!socket.ok()) return socket.error();
  auto pause = BootTimer::create(io);
  if (!pause.ok()) return pause.error();
  return std::unique_ptr<Listener>(
      std::make_unique<UnixListener>(io, std::move(socket).value(), std::move(pause).value(),
                                     std::move(options), connection, std::move(accepted)));
}

}  // namespace stillframe
