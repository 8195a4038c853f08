// A level of a transaction around an operation of several changes: they are taken back unless all
// of them were made.
#pragma once

#include <stillframe/result.hpp>

#include "writers/ese/engine/open_transaction.hpp"

namespace stillframe::ese {

// Runs `operation`, which returns a Status or a Result. A failure to take back is what is returned
// then: only ending the transaction can help.
template <class Operation>
auto all_or_nothing(OpenTransaction& transaction, const Operation& operation)
    -> decltype(operation()) {
  if (Status s = transaction.begin_level(LevelOf::engine); !s.ok()) return s.error();
  auto done = operation();
  Status ended = done.ok() ? transaction.commit() : transaction.rollback();
  if (!ended.ok()) return ended.error();
  return done;
}

}  // namespace stillframe::ese
