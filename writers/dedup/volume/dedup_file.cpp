#include "writers/dedup/volume/dedup_file.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "framework/base/check.hpp"

namespace stillframe::dedup {

namespace {

constexpr std::size_t kExpandPieceBytes = std::size_t{1} << 20;
constexpr std::size_t kPendingMax = 4096;  // then they are made durable, asked or not

}  // namespace

Result<std::unique_ptr<DedupFile>> DedupFile::open(VolumeParts volume,
                                                   std::unique_ptr<LowerFile> lower) {
  std::unique_ptr<DedupFile> file(new DedupFile(volume, std::move(lower)));
  const auto size = file->lower_->size();
  if (!size.ok()) return size.error();
  const auto mark = file->lower_->mark();
  if (!mark.ok()) return mark.error();
  file->bytes_ = size.value();
  file->map_ = ExtentMap(size.value(), Source::local);
  if (!mark.value()) return file;
  if (Status s = file->adopt(*mark.value()); !s.ok()) return s.error();
  return file;
}

Status DedupFile::adopt(const Stub& mark) {
  const std::string name = "deduplicated file " + mark.file.to_string();
  if (mark.store != volume_.store_id) {
    return Error(Errc::corrupt, name + " belongs to store " + uuid_to_string(mark.store) +
                                    ", which is not this volume's: restore it through the view");
  }
  const FileRecord* record = volume_.table.find(mark.file);
  if (record == nullptr) {
    return Error(Errc::corrupt,
                 name + " is not in the volume's table: take it and the store from one backup");
  }
  if (bytes_ < record->map.file_bytes()) {
    return Error(Errc::corrupt, name + " was made shorter below the view: it has " +
                                    std::to_string(bytes_) + " bytes instead of " +
                                    std::to_string(record->map.file_bytes()));
  }
  // A change of size that a crash left half done: of one that grows the file nobody was promised
  // anything, one that shrinks it was committed first.
  if (bytes_ > record->map.file_bytes()) {
    if (Status s = lower_->resize(record->map.file_bytes()); !s.ok()) return s;
  }
  file_ = mark.file;
  map_ = record->map;
  bytes_ = map_.file_bytes();
  if (map_.bytes_from(Source::store) == 0) return Ok{};
  auto stream = volume_.store.read_stream(record->stream);
  if (!stream.ok()) return stream.error().while_doing("opening " + name);
  stream_.emplace(std::move(stream).value());
  return Ok{};
}

Status DedupFile::read(std::uint64_t offset, MutableBytes into) {
  if (offset > bytes_ || into.size() > bytes_ - offset) {
    return Error(Errc::truncated, "reading past the end of a file");
  }
  for (const Extent& extent : map_.extents(offset, into.size())) {
    const MutableBytes part = into.subspan(extent.offset - offset, extent.bytes);
    if (Status s = read_from(extent, part); !s.ok()) return s;
  }
  return Ok{};
}

Status DedupFile::read_from(const Extent& extent, MutableBytes into) {
  switch (extent.source) {
    case Source::local:
      return lower_->read(extent.offset, into);
    case Source::store:
      return stream_->read(extent.offset, into);
    case Source::zero:
      std::fill(into.begin(), into.end(), std::byte{0});
  }
  return Ok{};
}

// Writes these bytes to the file itself, from where they are now.
Status DedupFile::fill(const Extent& extent) {
  std::vector<std::byte> piece;
  for (std::uint64_t done = 0; done < extent.bytes; done += piece.size()) {
    piece.resize(std::min<std::uint64_t>(kExpandPieceBytes, extent.bytes - done));
    const Extent part{extent.offset + done, piece.size(), extent.source};
    if (Status s = read_from(part, piece); !s.ok()) return s;
    if (Status s = lower_->write(part.offset, piece); !s.ok()) return s;
  }
  return Ok{};
}

Status DedupFile::note(const Extent& extent) {
  map_.set(extent.offset, extent.bytes, extent.source);
  if (!file_) return Ok{};
  uncommitted_ = true;
  // Many small writes one behind the other are one change.
  if (!pending_.empty() && pending_.back().source == extent.source &&
      pending_.back().offset + pending_.back().bytes == extent.offset) {
    pending_.back().bytes += extent.bytes;
  } else {
    pending_.push_back(extent);
  }
  return pending_.size() < kPendingMax ? Status(Ok{}) : sync();
}

Status DedupFile::write(std::uint64_t offset, Bytes from) {
  if (from.empty()) return Ok{};
  if (offset > kFileBytesMax || from.size() > kFileBytesMax - offset) {
    return Error(Errc::limit_reached, "a file would become larger than any may be");
  }
  if (offset + from.size() > bytes_) {
    if (Status s = resize(offset + from.size()); !s.ok()) return s;
  }
  ++edits_;
  if (!file_) return lower_->write(offset, from);
  const BlockWrite plan = map_.plan_write(offset, from.size(), lower_->block_bytes());
  for (const Extent& extent : plan.fill_first) {
    if (Status s = fill(extent); !s.ok()) return s;
  }
  if (Status s = lower_->write(offset, from); !s.ok()) return s;
  const auto parts = map_.extents(plan.local.offset, plan.local.bytes);
  const bool all_local = parts.size() == 1 && parts[0].source == Source::local;
  return all_local ? Status(Ok{}) : note(plan.local);
}

Status DedupFile::resize(std::uint64_t bytes) {
  if (bytes == bytes_) return Ok{};
  if (bytes > kFileBytesMax) {
    return Error(Errc::limit_reached, "a file would become larger than any may be");
  }
  ++edits_;
  const bool shrinks = bytes < bytes_;
  // Before the file itself forgets its end: should it be grown again, what the table still has of
  // that end would come back.
  if (file_ && shrinks) {
    if (Status s = sync(); !s.ok()) return s;
  }
  if (file_ && shrinks) {
    std::int64_t changed_ns = 0;
    if (Status s = changed_time(changed_ns); !s.ok()) return s;
    if (Status s = volume_.table.change(*file_, bytes, {}, changed_ns); !s.ok()) return s;
    if (Status s = volume_.table.sync(); !s.ok()) return s;
  }
  if (Status s = lower_->resize(bytes); !s.ok()) return s;
  const std::uint64_t before = std::exchange(bytes_, bytes);
  map_.resize(bytes);
  if (!file_) map_ = ExtentMap(bytes, Source::local);
  if (file_ && !shrinks) return note({before, bytes - before, Source::zero});
  return Ok{};
}

Status DedupFile::punch(std::uint64_t offset, std::uint64_t bytes) {
  if (offset >= bytes_) return Ok{};
  const Extent hole{offset, std::min(bytes, bytes_ - offset), Source::zero};
  if (hole.bytes == 0) return Ok{};
  ++edits_;
  if (file_) return note(hole);
  // A file of its own has to read as zeros.
  const std::vector<std::byte> zeros(std::min<std::uint64_t>(kExpandPieceBytes, hole.bytes));
  for (std::uint64_t done = 0; done < hole.bytes;) {
    const std::size_t piece = std::min<std::uint64_t>(zeros.size(), hole.bytes - done);
    if (Status s = lower_->write(offset + done, Bytes(zeros).first(piece)); !s.ok()) return s;
    done += piece;
  }
  return Ok{};
}

// The file itself first: the table must not name bytes that are not there.
Status DedupFile::sync() {
  if (Status s = lower_->sync(); !s.ok()) return s;
  return uncommitted_ ? commit_changes() : Status(Ok{});
}

Status DedupFile::commit_changes() {
  std::int64_t changed_ns = 0;
  if (Status s = changed_time(changed_ns); !s.ok()) return s;
  Status done = volume_.table.change(*file_, bytes_, pending_, changed_ns);
  if (!done.ok() && done.error().code() == Errc::limit_reached) return restore();
  if (!done.ok()) return done;
  if (Status s = volume_.table.sync(); !s.ok()) return s;
  pending_.clear();
  uncommitted_ = false;
  return Ok{};
}

Status DedupFile::changed_time(std::int64_t& ns) const {
  const auto version = lower_->version();
  if (!version.ok()) return version.error();
  ns = version.value().changed_ns;
  return Ok{};
}

Status DedupFile::take_stream(const chunkstore::StreamId& stream) {
  auto reader = volume_.store.read_stream(stream);
  if (!reader.ok()) return reader.error();
  if (reader.value().bytes() != bytes_) {
    return Error(Errc::wrong_state, "the file has " + std::to_string(bytes_) +
                                        " bytes and the stream " +
                                        std::to_string(reader.value().bytes()));
  }
  // Its size has to be durable before the table or the mark speaks of it.
  if (Status s = lower_->sync(); !s.ok()) return s;
  std::int64_t changed_ns = 0;
  if (Status s = changed_time(changed_ns); !s.ok()) return s;
  const FileId file = file_ ? *file_ : FileId::generate();
  ExtentMap map(bytes_, Source::store);
  if (Status s = volume_.table.put(file, stream, map, changed_ns); !s.ok()) return s;
  if (Status s = volume_.table.sync(); !s.ok()) return s;
  if (!file_) {
    if (Status s = lower_->set_mark(Stub{volume_.store_id, file}); !s.ok()) return s;
    if (Status s = lower_->sync(); !s.ok()) return s;
  }
  file_ = file;
  map_ = std::move(map);
  stream_.emplace(std::move(reader).value());
  pending_.clear();
  uncommitted_ = false;
  return give_space_back();
}

Status DedupFile::keep_changed_time() {
  if (!file_ || uncommitted_) return Ok{};
  std::int64_t left_ns = 0;
  if (Status s = changed_time(left_ns); !s.ok()) return s;
  return volume_.table.leave(*file_, left_ns);
}

Status DedupFile::give_space_back() {
  for (const Extent& extent : map_.extents()) {
    if (extent.source == Source::local) continue;
    if (Status s = lower_->punch(extent.offset, extent.bytes); !s.ok()) return s;
  }
  return Ok{};
}

// All bytes are in the file itself before the mark goes, so at any instant both say the same.
Status DedupFile::restore() {
  if (!file_) return Ok{};
  for (const Extent& extent : map_.extents()) {
    if (extent.source == Source::local) continue;
    if (Status s = fill(extent); !s.ok()) return s;
  }
  if (Status s = lower_->sync(); !s.ok()) return s;
  if (Status s = lower_->set_mark(std::nullopt); !s.ok()) return s;
  if (Status s = lower_->sync(); !s.ok()) return s;
  const FileId file = *file_;
  file_.reset();
  stream_.reset();
  map_ = ExtentMap(bytes_, Source::local);
  pending_.clear();
  uncommitted_ = false;
  if (Status s = volume_.table.forget(file); !s.ok()) return s;
  return volume_.table.sync();
}

}  // namespace stillframe::dedup
