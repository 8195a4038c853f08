// A backup whose bytes the caller copies, of one instance: what the writer asks of the instance's
// host for it.
#pragma once

#include <cstdint>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"

namespace stillframe::ese {

enum class StreamKind {
  full,  // databases, and the logs that they need
  logs,  // those since the last backup that cut them
};

// open(), read() to 0 and close() for each database; logs(), the same for each; truncate(), unless
// all logs are to stay; end(). One thread at a time. What has not ended when it goes is given up,
// and remembered by no database.
class HostStream {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{512} << 10;
  static constexpr std::size_t kPieceAlignment = 4096;

  virtual ~HostStream() = default;
  // One file at a time. How many bytes it will give.
  virtual Result<std::uint64_t> open(const BytePath& path) = 0;
  // `into` is a whole piece. Verified; a page or log that stays bad is an error.
  virtual Result<std::size_t> read(MutableBytes into) = 0;
  virtual Status close() = 0;
  // Finishes the log, and names those that the backup needs.
  virtual Result<std::vector<BytePath>> logs() = 0;
  // Logs go that no recovery and no later backup needs. Refused unless all were read to their ends.
  virtual Status truncate() = 0;
  // The databases remember it.
  virtual Status end() = 0;
};

}  // namespace stillframe::ese
