// Which databases are attached where in the log: for the headers of logs, for the checkpoint, and
// so that the databases' own headers keep up with the log.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/log_stream.hpp"
#include "writers/ese/format/log_attachments.hpp"
#include "writers/ese/instance/instance_database.hpp"

namespace stillframe::ese {

// Any thread. A database is *settled* once its file says what the log says of it; until then no
// checkpoint passes the record that says so.
class AttachmentList final : public LogHost {
 public:
  // What recovery has attached, until set_recovered().
  void set_recovering(std::vector<Attachment> attached, Lgpos checkpoint);
  void set_recovered();
  void set_checkpoint(Lgpos checkpoint);

  // InvalidArgument if the list would not fit where it is kept. `attachment` says all but where.
  Status check_room(const Attachment& attachment) const;
  // From within the log: the record at `at` attaches, or creates, or detaches.
  void attach(InstanceDatabase& database, Attachment attachment, Lgpos at);
  void detach(Dbid dbid, Lgpos at);

  // The database's header says that it is attached. On failure the list keeps it.
  Status settle_attached(Dbid dbid, LogTime now);
  // Its header says that it is detached, or there is no file to say so.
  void settle_detached(Dbid dbid);

  std::vector<InstanceDatabase*> databases() const;
  InstanceDatabase* find(const BytePath& path) const;
  bool number_taken(Dbid dbid) const;

  // No checkpoint may be behind this.
  std::optional<Lgpos> oldest_unsettled() const;
  // What was attached at `at`, a position that recovery may begin at; with the newest numbers.
  std::vector<Attachment> at(Lgpos at) const;
  // Nobody will ask for positions before this any more.
  void forget_before(Lgpos at);

  // Told each generation as it begins, with the log's locks held. Before the log is.
  void on_begun(std::function<void(Generation)> tell) { tell_ = std::move(tell); }

  Lgpos checkpoint() override;
  std::vector<Attachment> attachments() override;
  Status begun(Generation generation, LogTime created) override;

 private:
  struct Entry {
    Attachment attachment;
    InstanceDatabase* database;  // null once it is gone
    Lgpos detached_at;           // none while it is attached
    bool settled = false;

    bool attached() const { return detached_at.none(); }
  };
  Entry* find_last(Dbid dbid);
  static Attachment newest(const Entry& entry);

  std::function<void(Generation)> tell_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // in the order of the log
  std::vector<Attachment> recovering_;
  Lgpos checkpoint_;
  Generation generation_ = Generation::none;
  LogTime created_;
};

}  // namespace stillframe::ese
