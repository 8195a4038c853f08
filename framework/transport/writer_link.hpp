// How the coordinator talks to one registered writer, wherever it runs.
#pragma once

#include <functional>
#include <memory>

#include "framework/model/writer_call.hpp"
#include "framework/transport/peer.hpp"

namespace stillframe {

// Thread-safe. Calls are answered in order, each exactly once: by the writer, or with writer_gone
// once the link is lost. Handlers run on a thread of the link's, must not block, and must not own
// the link: its last owner may have to wait for that thread.
class WriterLink {
 public:
  using AnswerHandler = std::function<void(WriterAnswer)>;
  using ProgressHandler =
      std::function<void(Verb, std::uint64_t done, std::uint64_t total, std::string what)>;

  virtual ~WriterLink() = default;
  virtual const WriterIdentity& identity() const = 0;
  virtual WriterInstanceId instance() const = 0;
  virtual const WriterProcess& process() const = 0;
  virtual const PeerCredentials& credentials() const = 0;  // of that process, when it connected

  virtual void call(WriterCall call, AnswerHandler done) = 0;
  // Asks the verb under way for `session` to give up; it still answers.
  virtual void cancel(const SessionId& session) = 0;
  // Tells a frozen writer that its coordinator lives; sent every quarter of the lease during a
  // hold. One that answers such beats and stops doing so is given up as gone.
  virtual void heartbeat(const SessionId& session) = 0;
  // Called once when the writer is gone; at once if it already is.
  virtual void on_gone(std::function<void(Error)> handler) = 0;
  virtual void on_progress(ProgressHandler handler) = 0;
};

}  // namespace stillframe
