// Follows databases through a log: where they are made, attached and shut down. Planning and redo
// follow the same events, so that what was planned is what happens.
#pragma once

#include <set>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/format/log_header.hpp"
#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/recovery/attached_databases.hpp"

namespace stillframe::ese {

class LogLifecycle {
 public:
  explicit LogLifecycle(AttachedDatabases& databases) : databases_(&databases) {}

  // What was attached where reading begins, in a log with this header.
  Status begin(const std::vector<Attachment>& attached, const LogFileHeader& log);
  // Follows a record if it is about databases as a whole. An error, by name and position, for a
  // record that cannot be replayed: not_supported for the kinds that this program does not know
  // how to, log_corrupted for such as lie.
  Status follow(const LogRecord& record, const LogFileHeader& log);

  // Whether follow() may change which databases are attached.
  static bool changes_attachments(RecordType type);
  // Where databases were shut down in good order.
  const std::set<Lgpos>& shutdowns() const { return shutdowns_; }

 private:
  Status create(const LogRecord& record, const LogFileHeader& log);
  Status attach(const LogRecord& record, const LogFileHeader& log);
  Status detach(const LogRecord& record, const LogFileHeader& log);
  void set_version(const LogRecord& record);
  void stamp(const LogRecord& record);
  Status resize(const LogRecord& record);

  AttachedDatabases* databases_;
  std::set<Lgpos> shutdowns_;
  Lgpos shutdown_;  // the newest
};

}  // namespace stillframe::ese
