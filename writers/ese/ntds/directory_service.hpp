// A directory as the calls see it, in this process or at the other end of a channel. Errors carry
// HRESULTs, or numbers of JET's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "writers/ese/backup/hard_restore.hpp"

namespace stillframe::ese::ntds {

// A file or folder, with its BFT.
struct ListedFile {
  std::uint8_t kind;
  BytePath path;
};

// Between DsBackupPrepare and DsBackupEnd; gives the backup up when it goes. One call at a time.
class StagedBackup {
 public:
  virtual ~StagedBackup() = default;
  virtual std::vector<std::byte> token() const = 0;
  virtual Result<std::vector<ListedFile>> databases() = 0;
  virtual Result<std::vector<ListedFile>> logs() = 0;
  virtual Result<std::vector<ListedFile>> locations() = 0;
  virtual Result<std::uint64_t> open(const BytePath& path) = 0;  // its bytes
  virtual Result<std::size_t> read(MutableBytes into) = 0;       // 0 at the end
  virtual Status close() = 0;
  virtual Status truncate() = 0;
  virtual Status end() = 0;
};

struct RestoreArguments {
  BytePath checkpoint, logs, set;
  std::vector<RestoredPath> databases;
  std::uint32_t low = 0, high = 0;
};

// Between DsRestorePrepare and DsRestoreEnd. One call at a time.
class StagedRestore {
 public:
  virtual ~StagedRestore() = default;
  virtual Result<std::vector<ListedFile>> locations() = 0;
  virtual Status register_restore(const RestoreArguments& arguments) = 0;
  virtual Status complete(std::uint32_t result) = 0;
};

class DirectoryService {
 public:
  virtual ~DirectoryService() = default;
  virtual Result<bool> online() = 0;
  virtual Result<std::unique_ptr<StagedBackup>> prepare_backup() = 0;
  virtual Result<std::unique_ptr<StagedRestore>> prepare_restore(Bytes token) = 0;
};

}  // namespace stillframe::ese::ntds
