// The databases that an instance has attached, and which sessions have them open.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/instance/instance.hpp"
#include "writers/ese/jet/answer.hpp"
#include "writers/ese/jet/path_lock.hpp"

namespace stillframe::ese::jet {

// Any thread. What is open stays attached.
class Databases {
 public:
  explicit Databases(Instance& instance) : instance_(instance) {}

  // Attached and open when it returns.
  Result<JET_DBID> create(JET_SESID session, const BytePath& path, bool overwrite);
  // wrnDatabaseAttached if it is.
  Answer attach(const BytePath& path);
  // DatabaseInUse while a session has it open.
  Status detach(const BytePath& path);
  // All of them.
  Status detach_all();

  Result<JET_DBID> open(JET_SESID session, const BytePath& path, bool exclusive);
  // InvalidDatabaseId if this session has not opened it.
  Status close(JET_SESID session, JET_DBID dbid);
  void close_all(JET_SESID session);
  Result<InstanceDatabase*> find_open(JET_SESID session, JET_DBID dbid) const;
  std::vector<BytePath> paths() const;

 private:
  struct Entry {
    InstanceDatabase* database;
    PathLock lock;
    std::map<JET_SESID, int> users{};
    bool exclusive = false;
  };
  Entry* find(const BytePath& path);
  Status check_room() const;
  Status detach_entry(JET_DBID dbid, const Entry& entry);

  Instance& instance_;
  mutable std::mutex mutex_;
  std::map<JET_DBID, Entry> entries_;
};

}  // namespace stillframe::ese::jet
