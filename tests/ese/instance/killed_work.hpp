// What a process does until it is killed, known to it and to who looks at what it leaves: the
// transaction that a thread makes as its nth is a function of a seed, so its effects are known
// without a word from the process.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/ese/support/row_values.hpp"
#include "writers/ese/instance/instance_options.hpp"
#include "writers/ese/tables/table_spec.hpp"

namespace stillframe::ese::tests {

inline constexpr std::size_t kWorkThreads = 4, kWorkDatabases = 2;
inline constexpr char kWorkTable[] = "work";
inline constexpr ColumnId kWorkId{1}, kWorkNumber{2}, kWorkSum{3}, kWorkBlob{256};

struct PlannedChange {
  std::size_t database = 0;
  std::int32_t id = 0;
  bool remove = false;  // or write the row, whether it is there or not
};

enum class Ending { durable, lazy, rolled_back };

// Beside these changes it writes its number into its thread's mark in every database, and adds one
// to the sum.
struct PlannedTransaction {
  std::vector<PlannedChange> changes;
  Ending ending = Ending::durable;
};

class KilledWork {
 public:
  KilledWork(BytePath folder, std::uint64_t seed);

  // Small, so that pages are evicted and logs are rolled all the time.
  InstanceOptions options() const;
  BytePath database(std::size_t number) const;
  static TableSpec table();
  // Rows that are no thread's to remove.
  static std::int32_t mark_of(std::size_t thread) { return -1 - static_cast<std::int32_t>(thread); }
  static constexpr std::int32_t kSumId = 1'000'000;  // in the first database

  // Each thread has rows of its own.
  PlannedTransaction transaction(std::size_t thread, std::int32_t number) const;
  // What transaction `number` puts into the row, beside its number.
  Value blob(std::int32_t id, std::int32_t number) const;

 private:
  const BytePath folder_;
  const std::uint64_t seed_;
};

}  // namespace stillframe::ese::tests
