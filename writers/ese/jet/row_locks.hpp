// Rows that sessions have said they will change, before they do. What has been changed needs no
// lock: the engine's versions tell.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include <stillframe/ese/jet.h>
#include <stillframe/result.hpp>

#include "writers/ese/format/key.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese::jet {

// Any thread.
class RowLocks {
 public:
  using Row = std::tuple<Dbid, Objid, Key>;

  // WriteConflict while another session has it.
  Status take(JET_SESID session, const Row& row);
  Status check(JET_SESID session, const Row& row) const;
  // All that the session has.
  void release(JET_SESID session);

 private:
  Status check_locked(JET_SESID session, const Row& row) const;

  mutable std::mutex mutex_;
  std::map<Row, JET_SESID> owners_;
  std::map<JET_SESID, std::vector<Row>> rows_;
};

}  // namespace stillframe::ese::jet
