// WriterHost: a WriterRunner behind a connection that comes back.
#include <condition_variable>
#include <cstdlib>
#include <mutex>

#include <unistd.h>

#include <stillframe/writer_host.hpp>

#include "framework/sdk/writer_runner.hpp"
#include "framework/sdk/writers_loop.hpp"
#include "framework/transport/boot_timer.hpp"
#include "framework/transport/connection.hpp"
#include "framework/transport/handshake.hpp"
#include "framework/transport/unix_socket.hpp"
#include "framework/wire/writer_codec.hpp"

namespace stillframe {
namespace {

// A coordinator that takes the connection and then says nothing is as good as none.
constexpr std::chrono::milliseconds kHandshakeLimit{5'000};

BytePath socket_path(const WriterHostOptions& options) {
  BytePath directory = options.socket_dir;
  if (directory.empty()) {
    const char* from_environment = std::getenv("STILLFRAME_SOCKET_DIR");
    directory = from_environment != nullptr && *from_environment != '\0' ? from_environment
                                                                         : "/run/stillframe";
  }
  return directory + "/writer.sock";
}

// Whether trying again could help: another version or another clock stays what it is.
bool lasting(Errc code) {
  return code == Errc::future_version || code == Errc::not_supported ||
         code == Errc::invalid_argument || code == Errc::access_denied;
}

class SocketWriterHost : public WriterHost {
 public:
  SocketWriterHost(WriterHostOptions options, BytePath socket)
      : options_(std::move(options)), socket_(std::move(socket)) {}

  Status start(Writer& writer) {
    auto io = writers_loop();
    if (!io.ok()) return io.error();
    io_ = std::move(io).value();
    WriterRunnerOptions runner_options;
    runner_options.loop = io_;
    runner_options.hold_limit = options_.hold_limit;
    runner_options.lease = options_.lease;
    runner_options.log = options_.log;
    auto runner = WriterRunner::start(writer, std::move(runner_options));
    if (!runner.ok()) return runner.error();
    runner_ = std::move(runner).value();
    runner_->on_progress(
        [this](Verb verb, std::uint64_t done, std::uint64_t total, std::string what) {
          send_progress({verb, done, total, std::move(what)});
        });
    auto timer = BootTimer::create(*io_);
    if (!timer.ok()) return timer.error();
    timer_ = std::move(timer).value();
    io_->post([this] { connect(); });
    return Ok{};
  }

  ~SocketWriterHost() override {
    if (timer_) {
      io_->run([this] {
        ending_ = true;
        timer_->cancel();
        if (!connection_) return;
        connection_->send(wire::encode(wire::Bye{"the writer is ending"}));
        connection_->close(Error(Errc::cancelled, "the writer is ending"));
      });
      io_->run([] {});  // what close() posted has run after this
      io_->run([this] { timer_.reset(); });
    }
    runner_.reset();  // thaws; its last answers find no connection
  }

  Status wait_registered(std::chrono::milliseconds for_at_most) override {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, for_at_most, [this] { return registered_ || lasting_.has_value(); });
    if (registered_) return Ok{};
    if (lasting_) return *lasting_;
    std::string cause = last_problem_ ? ": " + last_problem_->what() : std::string();
    return Error(Errc::timed_out, "not registered with the coordinator behind '" +
                                      escape_path(socket_) + "'" + cause);
  }

  bool registered() const override {
    std::lock_guard lock(mutex_);
    return registered_;
  }

  WriterInstanceId instance() const override { return runner_->instance(); }

 private:
  enum class Stage { hello, registration, ready };

  // ---- on the io thread

  void connect() {
    if (ending_) return;
    stage_ = Stage::hello;
    auto connection = open();
    if (!connection.ok()) return failed(connection.error());
    connection_ = std::move(connection).value();
    const std::uint64_t turn = ++turn_;
    connection_->start(
        [this, turn](const wire::RawMessage& message, const std::vector<Descriptor>&) {
          if (turn == turn_) received(message);
        },
        [this, turn](const Error& why) {
          if (turn == turn_) lost(why);
        });
    hello_.role = wire::Role::writer;
    hello_.name = runner_->identity().name;
    hello_.pid = ::getpid();
    hello_.clock = wire::sample_clock(clock_);
    connection_->send(wire::encode(hello_));
    timer_->arm(clock_.now() + kHandshakeLimit, [this] {
      connection_->close(Error(Errc::timed_out, "the coordinator did not answer the handshake"));
    });
  }

  Result<std::shared_ptr<Connection>> open() {
    auto socket = connect_unix(socket_, clock_, clock_.now());
    if (!socket.ok()) return socket.error();
    ConnectionOptions options;
    options.send_queue_bytes_max = wire::kDocumentMessageBytesMax * 2;
    return Connection::adopt(*io_, std::move(socket).value(), options);
  }

  void received(const wire::RawMessage& message) {
    Status s = Ok{};
    if (message.kind == wire::Kind::refuse) {
      s = refused(message);
    } else if (stage_ == Stage::hello) {
      s = welcomed(message);
    } else if (stage_ == Stage::registration) {
      s = accepted(message);
    } else {
      s = told(message);
    }
    if (!s.ok()) connection_->close(s.error());
  }

  Status refused(const wire::RawMessage& message) {
    auto refusal = wire::decode_refuse(message);
    if (!refusal.ok()) return refusal.error();
    note_problem(refusal.value().error);
    return refusal.value().error.while_doing("the coordinator refused this writer");
  }

  Status welcomed(const wire::RawMessage& message) {
    auto welcome = wire::decode_welcome(message);
    if (!welcome.ok()) return welcome.error();
    if (Status s = check_welcome(welcome.value(), hello_, clock_); !s.ok()) {
      note_problem(s.error());
      return s.error();
    }
    echoes_ = welcome.value().protocol >= wire::kProtocolWithEchoes;
    wire::RegisterWriter reg;
    reg.identity = runner_->identity();
    reg.instance = runner_->instance();
    reg.clock = wire::sample_clock(clock_);
    stage_ = Stage::registration;
    connection_->handshake_done();
    connection_->send(wire::encode(reg));
    return Ok{};
  }

  Status accepted(const wire::RawMessage& message) {
    auto registered = wire::decode_registered(message);
    if (!registered.ok()) return registered.error();
    timer_->cancel();
    stage_ = Stage::ready;
    {
      std::lock_guard lock(mutex_);
      registered_ = true;
      lasting_.reset();
      last_problem_.reset();
      link_ = connection_;
      changed_.notify_all();
    }
    log("registered with the coordinator behind '" + escape_path(socket_) + "'");
    return Ok{};
  }

  // Calls are handed to the writer's thread, so that heartbeats are never behind a verb.
  Status told(const wire::RawMessage& message) {
    switch (message.kind) {
      case wire::Kind::call:
        return called(message);
      case wire::Kind::cancel: {
        auto cancel = wire::decode_cancel(message);
        if (!cancel.ok()) return cancel.error();
        runner_->cancel(cancel.value().session);
        return Ok{};
      }
      case wire::Kind::heartbeat: {
        auto heartbeat = wire::decode_heartbeat(message);
        if (!heartbeat.ok()) return heartbeat.error();
        runner_->heartbeat(heartbeat.value().session);
        if (echoes_) connection_->send(message);
        return Ok{};
      }
      case wire::Kind::bye:
        return Error(Errc::disconnected, "the coordinator ended");
      default:
        return Error(Errc::corrupt, "a coordinator may not send writers " +
                                        std::string(wire::to_string(message.kind)) + " messages");
    }
  }

  Status called(const wire::RawMessage& message) {
    auto call = wire::decode_call(message);
    if (!call.ok()) return call.error();
    const Verb verb = call.value().verb;
    // Only to the connection that asked: after a reconnection nobody waits for it any more.
    std::weak_ptr<Connection> asker = connection_;
    runner_->call(std::move(call).value(),
                  [asker, verb, sequence = message.sequence](WriterAnswer answer) {
                    auto connection = asker.lock();
                    if (!connection) return;
                    auto reply = wire::encode_answer(verb, answer, sequence);
                    connection->send(std::move(reply), std::move(answer.descriptors));
                  });
    return Ok{};
  }

  void lost(const Error& why) {
    timer_->cancel();
    bool was_registered = false;
    {
      std::lock_guard lock(mutex_);
      was_registered = std::exchange(registered_, false);
      link_.reset();
    }
    ++turn_;
    connection_.reset();
    if (was_registered) {
      log("lost the coordinator: " + why.what());
      runner_->coordinator_lost(why.what());
    }
    failed(why);
  }

  void failed(const Error& why) {
    {
      std::lock_guard lock(mutex_);
      if (!last_problem_ || last_problem_->code() == Errc::disconnected) last_problem_ = why;
    }
    if (ending_) return;
    timer_->arm(clock_.now() + options_.retry_interval, [this] { connect(); });
  }

  void note_problem(const Error& why) {
    std::unique_lock lock(mutex_);
    const bool news = !last_problem_ || *last_problem_ != why;
    last_problem_ = why;
    if (lasting(why.code())) lasting_ = why;
    changed_.notify_all();
    lock.unlock();
    if (news) log("was refused: " + why.what());
  }

  // ---- any thread

  void send_progress(const wire::Progress& progress) {
    std::shared_ptr<Connection> connection;
    {
      std::lock_guard lock(mutex_);
      connection = link_.lock();
    }
    if (connection) connection->send(wire::encode(progress, 0));
  }

  void log(const std::string& line) const {
    if (options_.log) options_.log("writer '" + runner_->identity().name + "' " + line);
  }

  const WriterHostOptions options_;
  const BytePath socket_;
  const Clock& clock_ = system_clock();
  std::unique_ptr<WriterRunner> runner_;

  // The io thread's own.
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<BootTimer> timer_;  // the handshake's end, or the next attempt
  Stage stage_ = Stage::hello;
  bool echoes_ = false;  // the coordinator wants its heartbeats back
  wire::Hello hello_;
  std::uint64_t turn_ = 0;  // tells this connection's events from a former one's
  bool ending_ = false;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool registered_ = false;
  std::weak_ptr<Connection> link_;
  std::optional<Error> last_problem_;
  std::optional<Error> lasting_;

  std::shared_ptr<IoThread> io_;  // of all hosts of the process
};

}  // namespace

Result<std::unique_ptr<WriterHost>> WriterHost::start(Writer& writer, WriterHostOptions options) {
  if (options.retry_interval <= std::chrono::milliseconds{0} ||
      options.hold_limit <= std::chrono::milliseconds{0} ||
      options.lease <= std::chrono::milliseconds{0}) {
    return Error(Errc::invalid_argument,
                 "retry_interval, hold_limit and lease of a writer host must be more than zero");
  }
  BytePath socket = socket_path(options);
  auto host = std::make_unique<SocketWriterHost>(std::move(options), std::move(socket));
  if (Status s = host->start(writer); !s.ok()) return s.error().while_doing("starting a writer");
  return std::unique_ptr<WriterHost>(std::move(host));
}

}  // namespace stillframe
