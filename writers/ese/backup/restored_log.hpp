// The log that a restore goes on with: what it undoes is in it, and the databases are its own.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "framework/io/files.hpp"
#include "writers/ese/engine/log_stream.hpp"
#include "writers/ese/instance/attachment_list.hpp"
#include "writers/ese/recovery/continued_log.hpp"

namespace stillframe::ese {

struct RestoredLogOptions {
  LogStreamOptions stream;  // its folder may have the newest of the logs that were read, or none
  BytePath checkpoint;      // the folder of the checkpoint
  // Where the newest log is that was read, if it is not in that folder.
  BytePath newest_in;
};

class RestoredLog final : public ContinuedLog {
 public:
  RestoredLog(Files& files, RestoredLogOptions options, LogStream::Clock clock)
      : files_(files), options_(std::move(options)), clock_(std::move(clock)) {}

  Status resume(const LogStreamEnd& end, std::vector<Attachment> attached) override;
  Result<Lgpos> append(Bytes record) override;
  Status make_durable() override { return log_->make_all_durable(); }
  void ended(Lgpos quit) override { quit_ = quit; }

  // The databases are recovered: the checkpoint says so. If there are others that these logs know
  // of, they still need them: it is before all that was added then.
  Status write_checkpoint(bool others);

 private:
  Status remove_checkpoint();

  Files& files_;
  const RestoredLogOptions options_;
  const LogStream::Clock clock_;
  AttachmentList attachments_;
  std::unique_ptr<LogStream> log_;
  std::optional<Lgpos> quit_;
  std::optional<Lgpos> before_;  // where the last generation begins that was there
};

}  // namespace stillframe::ese
