// How a collection carries out its plan.
#include <algorithm>
#include <string>
#include <utility>

#include "framework/base/path.hpp"
#include "framework/chunkstore/collection.hpp"

namespace stillframe::chunkstore {

namespace {

// What keeps us from reading a container is a matter of that container; from writing one, of all.
Error damaged(const Error& error) {
  return is_damage(error) ? Error(Errc::corrupt, error.what()) : error;
}

}  // namespace

Result<CollectionResult> Collection::run(const std::function<bool()>& go_on) {
  if (failed_) return *failed_;
  if (!plan_) return Error(Errc::wrong_state, "a collection is run once it is planned");
  result_ = {};
  ContainerKind before = ContainerKind::stream_maps;
  for (const PlannedContainer& planned : plan_->containers) {
    if (go_on && !go_on()) {
      result_.complete = false;
      break;
    }
    if (planned.kind != before) {
      // Maps that are dead are gone for good before the first chunk is that they name.
      if (Status s = note(store_.files_.sync_directory(containers())); !s.ok()) return s.error();
      before = planned.kind;
    }
    const Status s = deal_with(planned);
    if (!s.ok() && s.error().code() == Errc::corrupt && planned.kind == ContainerKind::data) {
      result_.damaged.push_back({planned.file.id, s.error()});
    } else if (!note(s).ok()) {
      return s.error().while_doing("collect container " + std::to_string(planned.file.id));
    }
  }
  if (Status s = note(store_.files_.sync_directory(containers())); !s.ok()) return s.error();
  plan_.reset();
  return result_;
}

Status Collection::deal_with(const PlannedContainer& planned) {
  const auto opened = open(planned.file);
  if (!opened.ok()) return damaged(opened.error());
  const ContainerReader& from = *opened.value();
  const std::vector<bool> live = decide(from, planned.file.id);
  const auto& chunks = from.table().chunks;
  const auto kept = static_cast<std::uint64_t>(
      std::count_if(chunks.begin(), chunks.end(),
                    [&](const ChunkRecord& chunk) { return is_live(live, chunk.local_id); }));
  if (kept == chunks.size()) return Ok{};  // all of it was found again meanwhile
  Status s = kept == 0 ? remove_container(from, planned) : rewrite(from, planned, live);
  if (s.ok()) result_.dropped_chunks += chunks.size() - kept;
  return s;
}

// From here on nobody finds what is dead, whatever becomes of the next steps: after a failed rename
// or sync it is not known whether the container of before is the one that counts.
std::vector<bool> Collection::decide(const ContainerReader& from, std::uint32_t id) {
  const std::lock_guard lock(store_.mutex_);
  const std::vector<bool> live = store_.collecting_->decide(id);
  if (from.kind() == ContainerKind::stream_maps) return live;
  for (const ChunkRecord& chunk : from.table().chunks) {
    if (!is_live(live, chunk.local_id)) store_.index_.remove(chunk.fingerprint, id);
  }
  return live;
}

Status Collection::remove_container(const ContainerReader& from, const PlannedContainer& planned) {
  const auto size = from.file().size();
  if (!size.ok()) return size.error();
  {
    const std::lock_guard lock(store_.mutex_);
    store_.sealed_.remove(planned.file.id);
  }
  if (Status s = store_.files_.remove(store_.container_path(planned.file)); !s.ok()) return s;
  ++result_.removed;
  result_.freed_bytes += size.value();
  return Ok{};
}

// The next generation is whole before it has its name, and has its name for good before the one of
// before loses its own, and so does what the directory says. Readers that have that open go on with
// it.
Status Store::replace_container(ContainerFile before, const BytePath& unfinished,
                                const DirectorySlot& next) {
  if (Status s = files_.rename(unfinished, container_path(next.container)); !s.ok()) return s;
  if (Status s = files_.sync_directory(join_path(folder_, "containers")); !s.ok()) return s;
  if (Status s = directory_->set(next); !s.ok()) return s;
  if (Status s = directory_->sync(); !s.ok()) return s;
  {
    const std::lock_guard lock(mutex_);
    sealed_.add(next.container);
  }
  return files_.remove(container_path(before));
}

Status Collection::rewrite(const ContainerReader& from, const PlannedContainer& planned,
                           const std::vector<bool>& live) {
  const auto size = from.file().size();
  if (!size.ok()) return size.error();
  const ContainerFile next{planned.file.id, planned.file.generation + 1};
  const BytePath unfinished = store_.container_path(next) + std::string(kUnfinishedSuffix);
  if (store_.files_.exists(unfinished)) {
    if (Status s = store_.files_.remove(unfinished); !s.ok()) return s;
  }
  const auto written = write_live(from, planned, live, unfinished);
  if (!written.ok()) {
    if (store_.files_.exists(unfinished)) (void)store_.files_.remove(unfinished);
    return written.error();
  }
  if (Status s = store_.replace_container(planned.file, unfinished, written.value()); !s.ok()) {
    return s;
  }
  ++result_.rewritten;
  result_.freed_bytes +=
      size.value() - std::min<std::uint64_t>(size.value(), written.value().file_bytes);
  return Ok{};
}

// Frames of which all is live are taken as they are. Returns what the directory has to say of it.
Result<DirectorySlot> Collection::write_live(const ContainerReader& from,
                                             const PlannedContainer& planned,
                                             const std::vector<bool>& live, const BytePath& path) {
  const ContainerHeader header{from.kind(), reader_->as_of().store, planned.file.id,
                               planned.file.generation + 1};
  // What is not compressed could exceed what a container may have.
  const Compression how = store_.options_.compression == Compression::none
                              ? Compression::zstd
                              : store_.options_.compression;
  auto created = ContainerWriter::create(store_.files_, path, header, how, codec_.cipher());
  if (!created.ok()) return created.error();
  ContainerWriter& to = created.value();
  const auto lives = [&](const ChunkRecord& chunk) { return is_live(live, chunk.local_id); };
  std::vector<std::byte> stored;
  for (const FrameRecord& record : from.table().frames) {
    stored.resize(record.stored_bytes);
    if (Status s = from.file().read(record.offset, stored); !s.ok()) return damaged(s.error());
    const FramePlace place{planned.file.id, record.offset};
    const auto frame = check_frame(stored, place, codec_.cipher());
    if (!frame.ok()) return damaged(frame.error());
    const std::vector<ChunkRecord>& chunks = frame.value().chunks;
    if (std::all_of(chunks.begin(), chunks.end(), lives)) {
      if (Status s = to.keep_frame(frame.value(), stored, place, codec_); !s.ok()) return s.error();
      continue;
    }
    if (std::none_of(chunks.begin(), chunks.end(), lives)) continue;
    const auto opened = parse_frame(stored, place, codec_);
    if (!opened.ok()) return damaged(opened.error());
    for (const ChunkRecord& chunk : opened.value().chunks) {
      if (!lives(chunk)) continue;
      const Bytes bytes = opened.value().find(chunk.local_id)->bytes;
      if (Status s = to.keep(chunk, bytes, codec_); !s.ok()) return s.error();
    }
  }
  if (Status s = to.seal(codec_); !s.ok()) return s.error();
  return DirectorySlot{{header.id, header.generation},
                       static_cast<std::uint32_t>(to.bytes()),
                       static_cast<std::uint32_t>(to.table().footer_bytes())};
}

}  // namespace stillframe::chunkstore
