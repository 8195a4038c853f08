// A backup by streaming as the writer's verbs have it: files by handles, read in pieces of any
// size.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include <stillframe/time.hpp>
#include <stillframe/writer.hpp>

#include "writers/ese/writer/host_stream.hpp"
#include "writers/ese/writer/instance_host.hpp"

namespace stillframe::ese {

class BackupStream {
 public:
  // Begins one; `places` outlive it. os_snapshot_not_allowed and backup_in_progress while another
  // backup of the instance runs.
  static Result<std::unique_ptr<BackupStream>> begin(InstanceHost& host, StreamKind kind);

  // A database of the instance, or one of its logs once logs() named them: nobody reads other files
  // through a writer.
  Result<StreamInfo> open(std::uint64_t handle, const BytePath& path);
  // Fills `into`, unless the file ends.
  Result<std::size_t> read(std::uint64_t handle, std::span<std::byte> into);
  Status close(std::uint64_t handle);
  // All of them are needed by a restore.
  Result<LogList> logs();
  Status truncate() { return from_->truncate(); }
  Status end() { return from_->end(); }

  // When a verb last had to do with it.
  BootTime last_used() const noexcept { return last_used_; }

 private:
  struct FreeStreamPiece {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  using StreamPiece = std::unique_ptr<std::byte, FreeStreamPiece>;

  BackupStream(std::unique_ptr<HostStream> from, const InstancePlaces& places, StreamPiece piece);
  void used();

  const std::unique_ptr<HostStream> from_;
  const InstancePlaces& places_;
  std::set<BytePath> readable_;
  std::optional<LogList> logs_;
  std::optional<std::uint64_t> handle_;  // of the file that is open
  // What the engine gave and nobody has taken yet: it wants memory of a certain kind.
  const StreamPiece piece_;
  std::size_t taken_ = 0, filled_ = 0;
  Status failure_ = Ok{};  // of reading the file that is open
  BootTime last_used_;
};

}  // namespace stillframe::ese
