// What an engine has to do to be measured. Every one keeps the same promise: what commit() returned
// for survives a crash of the machine.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "writers/ese/bench/workload.hpp"

namespace stillframe::ese::bench {

// One thread. Changes are between begin() and commit(), and so is reading.
class MeasuredSession {
 public:
  virtual ~MeasuredSession() = default;

  virtual Status begin() = 0;
  virtual Status insert(const Row& row) = 0;
  virtual Status update(const Row& row) = 0;
  // The row's value; not_found.
  virtual Status read(Bytes key, MutableBytes value) = 0;
  // Up to `rows` rows from the first that is not below `key`: their values are added to `sum`, so
  // that nothing is left out. How many there were.
  virtual Result<std::uint64_t> scan(Bytes key, std::uint64_t rows, std::uint64_t& sum) = 0;
  virtual Status commit() = 0;

  // A transaction of this row alone, begun again as often as others are in its way.
  virtual Status insert_alone(const Row& row) = 0;
};

struct StoreOptions {
  BytePath folder;
  std::size_t cache_bytes = 0;
  // How much log is written before pages are, at most.
  std::size_t checkpoint_bytes = 0;
};

// One table in a folder.
class MeasuredStore {
 public:
  virtual ~MeasuredStore() = default;  // without close(), leaves what a crash would

  virtual std::string_view name() const = 0;
  // Makes the table if the folder is empty. After a crash all that was committed is in the table's
  // own file when this returns.
  enum class After { close, crash };
  virtual Status open(const StoreOptions& options, After after) = 0;
  virtual Status close() = 0;
  virtual Result<std::unique_ptr<MeasuredSession>> session() = 0;
};

}  // namespace stillframe::ese::bench
