#include "writers/ese/jet/row_locks.hpp"

#include "writers/ese/jet/answer.hpp"

namespace stillframe::ese::jet {

Status RowLocks::check_locked(JET_SESID session, const Row& row) const {
  const auto found = owners_.find(row);
  if (found == owners_.end() || found->second == session) return Ok{};
  return jet_error(JET_errWriteConflict, "another session is about to change the row");
}

Status RowLocks::check(JET_SESID session, const Row& row) const {
  const std::lock_guard lock(mutex_);
  return check_locked(session, row);
}

Status RowLocks::take(JET_SESID session, const Row& row) {
  const std::lock_guard lock(mutex_);
  if (Status s = check_locked(session, row); !s.ok()) return s;
  if (owners_.emplace(row, session).second) rows_[session].push_back(row);
  return Ok{};
}

void RowLocks::release(JET_SESID session) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(session);
  if (found == rows_.end()) return;
  for (const Row& row : found->second) owners_.erase(row);
  rows_.erase(found);
}

}  // namespace stillframe::ese::jet
