// Hands out turns in real time: the machine's queue within this coordinator, locks of the file
// systems against other coordinators.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>

#include "framework/coordinator/machine/turn_queue.hpp"
#include "framework/coordinator/runtime/runtime.hpp"
#include "framework/io/file_lock.hpp"

namespace stillframe::coordinator {

// What one set must have for itself, by name: "volume:ID", "writer:INSTANCE".
struct TurnRequest {
  SessionId session;
  std::string who;  // the requestor, as others are told
  std::set<std::string> needs;
  std::set<std::string> file_systems;  // keys of lock_file_system()
  BootTime wait_until;
  // Told, on the desk's strand, whenever it is somebody else who has to finish first.
  std::function<void(const std::string& holder)> waits;
};

// Thread-safe.
class TurnDesk {
 public:
  // ok: it is your turn. in_progress names the holder, in this or another process; limit_reached
  // when too many wait.
  using Answer = std::function<void(const Status&)>;

  static Result<std::unique_ptr<TurnDesk>> make(Runtime& runtime, BytePath runtime_dir);

  // One turn a session at a time. The answer comes once, from a strand of the desk's, unless
  // release() comes first.
  void take(TurnRequest request, Answer answer);
  // Gives the turn back or stops waiting. Harmless when there is neither.
  void release(const SessionId& session);

  // Who has to finish first; empty when the session does not wait.
  std::string waiting_for(const SessionId& session) const;

 private:
  class Impl;
  explicit TurnDesk(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;  // shared with what is posted to its strand
};

}  // namespace stillframe::coordinator
