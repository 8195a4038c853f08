// Runs a Writer: connects it to the coordinator, keeps its hold timer, comes back after a lost
// connection.
#pragma once

#include <functional>
#include <memory>

#include <stillframe/writer.hpp>

namespace stillframe {

struct WriterHostOptions {
  BytePath socket_dir;  // empty: $STILLFRAME_SOCKET_DIR, else /run/stillframe
  std::chrono::milliseconds retry_interval{100};  // between attempts to connect
  std::chrono::milliseconds hold_limit{
      60'000};  // a hold never outlives this, whatever happens to others
  std::chrono::milliseconds lease{
      5'000};  // a hold never outlives this much silence of the coordinator
  std::function<void(std::string_view)>
      log;  // told of connections, refusals and thaws by timer; any thread, must not block
};

// Owns one thread for the writer's verbs and one for its hold timer; all hosts of a process share
// the one that reads their connections. The writer must outlive the host. Destruction thaws,
// unregisters and joins.
class WriterHost {
 public:
  // Starts connecting and returns at once; a coordinator that is not there yet is not an error.
  static Result<std::unique_ptr<WriterHost>> start(Writer& writer, WriterHostOptions options = {});
  virtual ~WriterHost() = default;

  // Waits until the coordinator has accepted the registration; timed_out if it does not in time.
  virtual Status wait_registered(std::chrono::milliseconds for_at_most) = 0;
  virtual bool registered() const = 0;
  virtual WriterInstanceId instance() const = 0;

  // A restored target's way back: the coordinator calls post_restore() on the next registration of
  // the same instance name.
};

// Asked by an application before it opens its data: ok when no restore is half done in `dir`, else
// interlocked with a message that names the way out; also when the record cannot be read. For
// applications without an engine of their own: where every file of a restore is in place, this
// start completes it, and the record is removed.
Status startup_gate(const BytePath& dir);

// Who said so and when: the record a restore keeps beside its target (file `restore.env` in `dir`).
struct InterlockRecord {
  enum class State { registered = 1, copied = 2, failed = 3, recovered = 4 };
  State state = State::registered;
  SessionId session;
  std::string target;  // what is being restored, for people
  RestoreRegistration registration;
  WallTime since;
  std::string failure;  // for State::failed
  UnknownFields unknown;
  friend bool operator==(const InterlockRecord&, const InterlockRecord&) = default;
};

// Each is durable (file and directory synced) when it returns. register_interlock() refuses with
// interlocked when a record is there already.
Status register_interlock(const BytePath& dir, const InterlockRecord& record);
Result<InterlockRecord> read_interlock(const BytePath& dir);  // not_found when there is none
Status update_interlock(const BytePath& dir, const InterlockRecord& record);
Status remove_interlock(const BytePath& dir);

}  // namespace stillframe
