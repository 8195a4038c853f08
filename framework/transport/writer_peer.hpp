// One connected writer, as the coordinator's side sees it.
#pragma once

#include <atomic>
#include <deque>
#include <mutex>
#include <vector>

#include "framework/transport/connection.hpp"
#include "framework/transport/writer_link.hpp"
#include "framework/wire/message.hpp"

namespace stillframe {

// Shared by the server, which feeds it what arrives, and by whoever was given the link.
class WriterPeer : public WriterLink {
 public:
  WriterPeer(std::shared_ptr<Connection> connection, WriterIdentity identity,
             WriterInstanceId instance, std::uint32_t protocol);

  const WriterIdentity& identity() const override { return identity_; }
  WriterInstanceId instance() const override { return instance_; }
  const WriterProcess& process() const override { return process_; }
  const PeerCredentials& credentials() const override { return connection_->peer(); }
  void call(WriterCall call, AnswerHandler done) override;
  void cancel(const SessionId& session) override;
  void heartbeat(const SessionId& session) override;
  void on_gone(std::function<void(Error)> handler) override;
  void on_progress(ProgressHandler handler) override;

  // Tells the writer that it is registered, and then what was to be said to it before.
  void open();
  // For the server, on the io thread. An error means that the writer broke the protocol.
  Status received(const wire::RawMessage& message, std::vector<Descriptor> descriptors);
  // Answers everything under way with writer_gone and tells the on_gone handler. Idempotent.
  void gone(const Error& why);
  bool alive() const { return connection_->peer_alive(); }
  void close(const Error& why) { connection_->close(why); }

 private:
  struct UnderWay {
    std::uint64_t sequence = 0;
    Verb verb = Verb::identify;
    AnswerHandler done;
  };

  void send(wire::RawMessage message);
  Status answered(const wire::RawMessage& message, std::vector<Descriptor> descriptors);
  Status progressed(const wire::RawMessage& message);

  const std::shared_ptr<Connection> connection_;
  const WriterIdentity identity_;
  const WriterInstanceId instance_;
  const WriterProcess process_;
  const bool echoes_;  // it answers heartbeats
  std::atomic<int> unanswered_beats_{0};

  std::mutex mutex_;  // guards what follows; never held while a handler runs
  std::vector<wire::RawMessage> before_open_;
  bool open_ = false;
  std::deque<UnderWay> under_way_;  // in the order of the calls, which is that of the answers
  std::uint64_t next_sequence_ = 1;
  std::function<void(Error)> on_gone_;
  ProgressHandler on_progress_;
  std::optional<Error> gone_;
};

}  // namespace stillframe
