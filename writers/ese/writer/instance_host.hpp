// What the writer asks of whoever has the instance that it speaks for: a HostedInstance, or an
// application that has it through JET.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/writer/host_stream.hpp"

namespace stillframe::ese {

// Where the files of an instance are, whether or not it runs.
struct InstancePlaces {
  BytePath logs;
  BytePath system;  // of the checkpoint
  std::string base = "edb";
  LogExtensions extensions = LogExtensions::log_chk;
  std::vector<BytePath> databases;
};

enum class SnapshotKind {
  full,
  copy,      // no log goes, and nothing goes on from it
  logs,      // goes on from the last one
  log_copy,  // the same logs, and no log goes
};

// A snapshot by somebody else, of one instance: freeze, thaw, truncate_log, end. Any thread. What
// has not ended when it goes is aborted, and remembered by no database.
class HostSnapshot {
 public:
  virtual ~HostSnapshot() = default;
  // Ends by itself after `timeout` at the latest; then thaw() says so.
  virtual Status freeze(std::chrono::milliseconds timeout) = 0;
  virtual Status thaw() = 0;
  virtual Status truncate_log() = 0;
  virtual Status end() = 0;
};

class InstanceHost {
 public:
  virtual ~InstanceHost() = default;

  virtual const InstancePlaces& places() const = 0;
  virtual Files& files() = 0;

  // Why it does not run, if it does not. Any thread.
  virtual Status running() const = 0;
  // Recovers what was restored (finish_restored() first); fails while a restore is half done.
  virtual Status open() = 0;
  // Afterwards nobody uses the files. What fails leaves it open.
  virtual Status close() = 0;

  // Writes what has changed, as far as it can be told to: what is frozen then recovers faster.
  virtual Status flush() = 0;
  // Brings a copy of the files as a crash would have left them to an orderly end, in the copy's own
  // logs: in their usual places they are opened as after a shutdown. Nothing but what `there` names
  // is touched; its databases are those of places(), in that order.
  virtual Status recover_copy(const InstancePlaces& there) = 0;
  // os_snapshot_not_allowed while another backup of it runs.
  virtual Result<std::shared_ptr<HostSnapshot>> begin_snapshot(SnapshotKind kind) = 0;
  // Likewise.
  virtual Result<std::unique_ptr<HostStream>> begin_stream(StreamKind kind) = 0;
};

}  // namespace stillframe::ese
