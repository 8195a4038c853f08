#include "writers/ese/backup/restored_log.hpp"

#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/format/log_names.hpp"
#include "writers/ese/instance/checkpoint_file.hpp"
#include "writers/ese/recovery/log_files.hpp"

namespace stillframe::ese {

// One from before the restore speaks of another past.
Status RestoredLog::remove_checkpoint() {
  const LogDirectoryOptions& directory = options_.stream.directory;
  const BytePath path =
      join_path(options_.checkpoint, checkpoint_name(directory.base, directory.extensions));
  if (!files_.exists(path)) return Ok{};
  if (Status s = files_.remove(path); !s.ok()) return s;
  return files_.sync_directory(options_.checkpoint);
}

Status RestoredLog::resume(const LogStreamEnd& end, std::vector<Attachment> attached) {
  if (Status s = remove_checkpoint(); !s.ok()) return s;
  attachments_.set_recovering(std::move(attached), {});
  const LogDirectoryOptions& directory = options_.stream.directory;
  const auto here = read_log_set(files_, directory.path, directory.base);
  if (!here.ok()) return here.error();
  if (here.value().chain.find(end.last) != nullptr) {
    auto log = LogStream::resume(files_, options_.stream, end, attachments_, clock_);
    if (!log.ok()) return log.error();
    log_ = std::move(log).value();
    before_ = Lgpos{0, log_->header().fields.header_segments, end.last};
    return Ok{};
  }
  const auto there = read_log_set(files_, options_.newest_in, directory.base);
  if (!there.ok()) return there.error();
  const auto newest = read_generation(files_, there.value(), end.last, false);
  if (!newest.ok()) return newest.error();
  auto log = LogStream::follow(files_, options_.stream, newest.value().header(),
                               newest.value().checksums(), attachments_, clock_);
  if (!log.ok()) return log.error();
  log_ = std::move(log).value();
  return Ok{};
}

Result<Lgpos> RestoredLog::append(Bytes record) {
  const auto appended = log_->append(record, LogRoom::reserve);
  return appended.ok() ? Result<Lgpos>(appended.value().at) : appended.error();
}

// Without it a start reads the logs from their beginning, which comes to the same.
Status RestoredLog::write_checkpoint(bool others) {
  if (!quit_) return Ok{};
  attachments_.set_recovered();
  Checkpoint checkpoint;
  // A generation that was begun since names only what was restored: nobody would look for the
  // others, which end in the one before.
  checkpoint.fields.checkpoint = others && before_ ? *before_ : *quit_;
  checkpoint.fields.database_consistency = checkpoint.fields.checkpoint;
  checkpoint.fields.log = log_->header().fields.log;
  checkpoint.fields.environment = log_->header().fields.environment;
  const LogDirectoryOptions& directory = options_.stream.directory;
  CheckpointWriter writer(files_, options_.checkpoint,
                          checkpoint_name(directory.base, directory.extensions));
  return writer.write(checkpoint);
}

}  // namespace stillframe::ese
