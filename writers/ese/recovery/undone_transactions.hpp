// Which transactions of a log are taken back, in whole or in part: of all others redo need not
// remember what nodes were before them.
#pragma once

#include <map>
#include <set>

#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

class UndoneTransactions {
 public:
  // Every record of the log, in order, and then its end.
  void look_at(const LogRecord& record);
  void end();

  // Whether any change of the transaction whose Begin0 is at `begun` may have to be undone: the log
  // takes one back, or ends without its commit.
  bool has(Lgpos begun) const { return undone_.contains(begun); }

 private:
  struct Open {
    Lgpos begun;
    bool undone = false;
  };
  void begin(Procid procid, Lgpos at);
  void mark(Procid procid);
  void commit(Procid procid);

  std::map<Procid, Open> open_;
  std::set<Lgpos> undone_;
};

}  // namespace stillframe::ese
