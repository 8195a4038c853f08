// What redo remembers of the sessions of a log: how deep in transactions each is, its open macros,
// and what would have to be undone if the log ended here.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "writers/ese/engine/page_apply.hpp"
#include "writers/ese/engine/version_store.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

// One change of one node that is not committed.
struct RedoVersion {
  Rceid rceid{};
  Dbid dbid{};
  Pgno fdp{};
  Objid objid{};
  std::uint8_t level = 0;
  Trx trx{};
  bool unique = true;  // the tree
  Change change;
  std::vector<std::byte> key;
  std::vector<std::byte> bookmark_data;  // in trees with equal keys
  // The page had the change when redo met the record, so what was before is not known. If the log
  // ends before the commit, an UndoInfo record says it: the page could not be written without.
  bool deferred = false;
  Lgpos at;  // of the record, for messages
};

// The records of a macro that has not ended, copied.
struct OpenMacro {
  struct Kept {
    std::vector<std::byte> bytes;
    Lgpos at;
  };
  std::deque<Kept> records;
  Lgpos begun;
};

struct RedoSession {
  bool begun = false;  // since redo began; before, its changes are on their pages already
  bool undone = true;  // some of its changes will be taken back: versions are of use
  std::uint8_t level = 0;
  std::map<Dbtime, OpenMacro> macros;
  std::vector<RedoVersion> versions;  // oldest first
};

class RedoSessions {
 public:
  RedoSession& of(Procid procid) { return sessions_[procid]; }
  // A transaction, or levels of one that is open.
  void begin_outermost(Procid procid, std::uint8_t levels, bool undone);
  void begin(Procid procid, std::uint8_t levels);
  void commit(Procid procid, std::uint8_t level);
  void commit_outermost(Procid procid);
  // The versions above the level that remains; the caller says what becomes of them.
  std::vector<RedoVersion> rollback(Procid procid, std::uint8_t levels);
  void forget_all() { sessions_.clear(); }

  // What a recovery rolled back without the database that has it: it is not undone yet, and its
  // session goes on without it.
  void leave(Procid procid, std::vector<RedoVersion> versions);
  struct Left {
    Procid procid{};
    RedoVersion version;
  };
  std::vector<Left>& left() { return left_; }  // oldest first, of each session

  // Of the session, or left by it.
  RedoVersion* find(Procid procid, Rceid rceid);
  std::optional<RedoVersion> take(Procid procid, Rceid rceid);

  std::map<Procid, RedoSession>& all() { return sessions_; }

 private:
  std::map<Procid, RedoSession> sessions_;
  std::vector<Left> left_;
};

}  // namespace stillframe::ese
