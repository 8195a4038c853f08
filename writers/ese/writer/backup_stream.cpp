#include "writers/ese/writer/backup_stream.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/format/log_names.hpp"

namespace stillframe::ese {

Result<std::unique_ptr<BackupStream>> BackupStream::begin(InstanceHost& host, StreamKind kind) {
  StreamPiece piece(static_cast<std::byte*>(
      std::aligned_alloc(HostStream::kPieceAlignment, HostStream::kPieceBytes)));
  if (piece == nullptr) return Error(Errc::out_of_resources, "no memory for a stream");
  auto begun = host.begin_stream(kind);
  if (!begun.ok()) return begun.error();
  return std::unique_ptr<BackupStream>(
      new BackupStream(std::move(begun).value(), host.places(), std::move(piece)));
}

BackupStream::BackupStream(std::unique_ptr<HostStream> from, const InstancePlaces& places,
                           StreamPiece piece)
    : from_(std::move(from)), places_(places), piece_(std::move(piece)) {
  for (const BytePath& path : places.databases) readable_.insert(tidy_path(path));
  used();
}

void BackupStream::used() {
  last_used_ = system_clock().now();
}

Result<StreamInfo> BackupStream::open(std::uint64_t handle, const BytePath& path) {
  used();
  if (!readable_.contains(tidy_path(path))) {
    return Error(Errc::not_found, "'" + escape_path(path) +
                                      "' is no database of the instance, and no log that a backup "
                                      "of it has to have");
  }
  if (handle_) return Error(Errc::wrong_state, "one file is streamed after the other; close it");
  const auto bytes = from_->open(path);
  if (!bytes.ok()) return bytes.error();
  handle_ = handle;
  taken_ = filled_ = 0;
  StreamInfo info;
  info.handle = handle;
  info.size = bytes.value();
  return info;
}

Result<std::size_t> BackupStream::read(std::uint64_t handle, std::span<std::byte> into) {
  used();
  if (handle_ != handle) return Error(Errc::wrong_state, "the stream is not open");
  std::size_t done = 0;
  while (done < into.size()) {
    if (taken_ == filled_) {
      const auto some = from_->read(MutableBytes(piece_.get(), HostStream::kPieceBytes));
      if (!some.ok()) {
        failure_ = some.error();
        return some;
      }
      taken_ = 0;
      filled_ = some.value();
      if (filled_ == 0) break;
    }
    const std::size_t some = std::min(into.size() - done, filled_ - taken_);
    std::copy_n(piece_.get() + taken_, some, into.begin() + static_cast<std::ptrdiff_t>(done));
    taken_ += some;
    done += some;
  }
  return done;
}

Status BackupStream::close(std::uint64_t handle) {
  used();
  if (handle_ != handle) return Ok{};
  handle_.reset();
  const Status closed = from_->close();
  // The engine may have closed a file that could not be read, and has nothing more to say of it.
  return failure_.ok() ? closed : std::exchange(failure_, Ok{});
}

Result<LogList> BackupStream::logs() {
  used();
  if (logs_) return *logs_;
  const auto paths = from_->logs();
  if (!paths.ok()) return paths.error();
  LogList list;
  list.low = 1;
  for (const BytePath& path : paths.value()) {
    const auto name = parse_log_file_name(places_.base, last_component(path));
    if (!name || name->kind != LogFileKind::archived) {
      return Error(Errc::internal, "'" + escape_path(path) + "' is not called as a log is");
    }
    const auto generation = static_cast<std::uint64_t>(name->generation);
    if (list.files.empty()) list.low = generation;
    list.high = generation;
    list.files.push_back({path, generation, true});
    readable_.insert(tidy_path(path));
  }
  logs_ = list;
  return list;
}

}  // namespace stillframe::ese
