// Second copies of chunks that very many streams name, and what is put right from them.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "framework/base/path.hpp"
#include "framework/chunkstore/fingerprint.hpp"
#include "framework/chunkstore/store.hpp"

namespace stillframe::chunkstore {

namespace {

constexpr std::uint64_t kHotspotsSignature = 0x544f505354484653;  // SFHTSPOT
constexpr std::uint32_t kHotspotsVersion = 1;
constexpr std::size_t kHotspotsSumOffset = 24;

bool has_its_fingerprint(const Fingerprint& fingerprint, Bytes bytes, const StoreCipher* cipher) {
  Fingerprint found;
  stored_fingerprints({&bytes, 1}, {&found, 1}, cipher);
  return found == fingerprint;
}

}  // namespace

std::array<std::byte, kHotspotsBytes> format_hotspots(StreamId copies) {
  std::array<std::byte, kHotspotsBytes> bytes{};
  store_le(bytes.data(), kHotspotsSignature);
  store_le(bytes.data() + 8, kHotspotsVersion);
  store_le(bytes.data() + 16, copies.map.container);
  store_le(bytes.data() + 20, copies.map.local_id);
  store_le(bytes.data() + kHotspotsSumOffset,
           static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), kHotspotsSumOffset)));
  return bytes;
}

Result<StreamId> parse_hotspots(Bytes bytes) {
  if (bytes.size() < kHotspotsBytes) return Error(Errc::truncated, "hotspots: they end early");
  if (load_le<std::uint64_t>(bytes.data()) != kHotspotsSignature ||
      load_le<std::uint64_t>(bytes.data() + kHotspotsSumOffset) !=
          XXH3_64bits(bytes.data(), kHotspotsSumOffset)) {
    return Error(Errc::corrupt, "hotspots: they are damaged");
  }
  if (load_le<std::uint32_t>(bytes.data() + 8) != kHotspotsVersion) {
    return Error(Errc::future_version, "hotspots: they are of another version");
  }
  return StreamId{
      {load_le<std::uint32_t>(bytes.data() + 16), load_le<std::uint32_t>(bytes.data() + 20)}};
}

// ---- copies

Status Store::learn_hotspots() {
  const BytePath path = join_path(folder_, kHotspotsFileName);
  if (!files_.exists(path)) return Ok{};
  const auto file = files_.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  std::array<std::byte, kHotspotsBytes> bytes{};
  if (!file.value()->read(0, bytes).ok()) return Ok{};  // copies are made again
  if (const auto copies = parse_hotspots(bytes); copies.ok()) hotspots_ = copies.value();
  return Ok{};
}

Status Store::write_hotspots(StreamId copies) {
  const BytePath path = join_path(folder_, kHotspotsFileName), beside = path + ".new";
  if (files_.exists(beside)) {
    if (Status s = files_.remove(beside); !s.ok()) return s;
  }
  const auto file = files_.create(beside);
  if (!file.ok()) return file.error();
  if (Status s = file.value()->write(0, format_hotspots(copies)); !s.ok()) return s;
  if (Status s = file.value()->sync(); !s.ok()) return s;
  if (Status s = files_.rename(beside, path); !s.ok()) return s;
  return files_.sync_directory(folder_);
}

bool Store::is_collected() const {
  const std::lock_guard lock(mutex_);
  return collecting_ != nullptr;
}

// What is said of it where it is, damaged or not.
Result<ChunkRecord> Store::record_of(ChunkName name) {
  const auto in = [name](const ContainerTable& table) -> Result<ChunkRecord> {
    const auto found =
        std::find_if(table.chunks.begin(), table.chunks.end(),
                     [name](const ChunkRecord& chunk) { return chunk.local_id == name.local_id; });
    return found != table.chunks.end() ? Result<ChunkRecord>(*found) : no_such_chunk(name);
  };
  if (data_ && data_->header().id == name.container) {
    if (Status s = keep_failure(data_->flush(codec_)); !s.ok()) return s.error();
    return in(data_->table());
  }
  const std::lock_guard lock(mutex_);
  const auto reader = sealed_.get(name.container);
  if (!reader.ok()) return reader.error();
  return in(reader.value()->table());
}

// In any container but this one.
std::vector<ChunkName> Store::copies_of(const Fingerprint& fingerprint, std::uint32_t container) {
  std::vector<ChunkName> found;
  const auto recent = recent_.find(fingerprint);
  if (recent != recent_.end() && data_->header().id != container) {
    found.push_back({data_->header().id, recent->second});
  }
  const std::lock_guard lock(mutex_);
  for (const std::uint32_t other : index_.candidates(fingerprint)) {
    if (other == container) continue;
    const auto reader = sealed_.get(other);
    if (!reader.ok()) continue;
    const ChunkRecord* chunk = reader.value()->find(fingerprint);
    if (chunk != nullptr) found.push_back({other, chunk->local_id});
  }
  return found;
}

Result<HotspotCopies> Store::keep_copies(std::span<const ChunkName> chunks,
                                         const std::function<bool(std::uint64_t)>& may_write) {
  if (Status s = usable(); !s.ok()) return s.error();
  if (is_collected()) return Error(Errc::wrong_state, "the chunk store is being collected");
  HotspotCopies copies;
  StreamMap map{0, StreamKind::general, Cutting::by_content, profile(), {}};
  for (const ChunkName name : chunks.first(std::min<std::size_t>(chunks.size(), kMapExtentsMax))) {
    const auto record = record_of(name);
    if (!record.ok() && !is_damage(record.error())) return record.error();
    if (!record.ok()) {
      ++copies.left_out;
      continue;
    }
    const std::uint64_t bytes = record.value().bytes;
    const std::uint32_t tag = fingerprint_tag(record.value().fingerprint);
    const std::vector<ChunkName> there = copies_of(record.value().fingerprint, name.container);
    if (!there.empty()) {
      map.extents.push_back({there.front(), bytes, tag});
      continue;
    }
    const auto chunk = read_chunk(name);
    if (!chunk.ok() && !is_damage(chunk.error())) return chunk.error();
    // What has rotted is no copy of anything.
    if (!chunk.ok() ||
        !has_its_fingerprint(record.value().fingerprint, chunk.value().bytes, codec_.cipher())) {
      ++copies.left_out;
      continue;
    }
    if (may_write && !may_write(bytes)) {
      ++copies.left_out;
      continue;
    }
    const auto copy = write_copy(name, chunk.value());
    if (!copy.ok()) return copy.error();
    map.extents.push_back({copy.value(), bytes, tag});
    ++copies.written;
    copies.written_bytes += bytes;
  }
  copies.chunks = map.extents.size();
  if (map.extents.empty() && !hotspots_) return copies;
  const auto stream = add_map(map);
  if (!stream.ok()) return stream.error();
  if (Status s = commit(); !s.ok()) return s.error();
  if (Status s = write_hotspots({stream.value()}); !s.ok()) return s.error();
  hotspots_ = StreamId{stream.value()};
  return copies;
}

Result<ChunkName> Store::write_copy(ChunkName name, const StoredChunk& chunk) {
  // One container would be lost with both.
  if (data_ && data_->header().id == name.container) {
    if (Status s = keep_failure(seal(ContainerKind::data)); !s.ok()) return s.error();
  }
  return append(ContainerKind::data, chunk.fingerprint, chunk.bytes);
}

// ---- repair

// Of the chunks that have this fingerprint elsewhere, one that can be read.
Result<std::vector<std::byte>> Store::good_copy(const ChunkRecord& chunk, std::uint32_t container) {
  for (const ChunkName name : copies_of(chunk.fingerprint, container)) {
    const auto copy = read_chunk(name);
    if (!copy.ok() && !is_damage(copy.error())) return copy.error();
    if (!copy.ok() ||
        !has_its_fingerprint(chunk.fingerprint, copy.value().bytes, codec_.cipher())) {
      continue;
    }
    return std::vector<std::byte>(copy.value().bytes.begin(), copy.value().bytes.end());
  }
  return Error(Errc::not_found, "container " + std::to_string(container) + ": chunk " +
                                    std::to_string(chunk.local_id) +
                                    " is damaged, and there is no copy of it");
}

Result<std::uint64_t> Store::repair(std::uint32_t container) {
  if (Status s = usable(); !s.ok()) return s.error();
  if (is_collected()) return Error(Errc::wrong_state, "the chunk store is being collected");
  const auto generation = sealed_generations();
  const auto found = generation.find(container);
  if (found == generation.end()) return Error(Errc::not_found, "no such container is complete");
  const ContainerFile before{container, found->second};
  const auto opened = ContainerReader::open(files_, container_path(before), commits_.last().store,
                                            before, codec_.cipher());
  if (!opened.ok()) return opened.error();
  if (opened.value()->kind() != ContainerKind::data) {
    return Error(Errc::not_found, "there are no copies of stream maps");
  }
  // So that no commit record calls open what is rewritten, as for a collection.
  if (Status s = commit(); !s.ok()) return s.error();
  if (Status s = keep_failure(commits_.commit(commits_.last())); !s.ok()) return s.error();
  const BytePath unfinished =
      container_path({container, before.generation + 1}) + std::string(kUnfinishedSuffix);
  if (files_.exists(unfinished)) {
    if (Status s = files_.remove(unfinished); !s.ok()) return s.error();
  }
  std::uint64_t repaired = 0;
  const auto slot = write_repaired(*opened.value(), before, unfinished, repaired);
  if (!slot.ok() || repaired == 0) {
    if (files_.exists(unfinished)) (void)files_.remove(unfinished);
    return slot.ok() ? Result<std::uint64_t>(repaired) : slot.error();
  }
  if (Status s = keep_failure(replace_container(before, unfinished, slot.value())); !s.ok()) {
    return s.error();
  }
  return repaired;
}

Result<DirectorySlot> Store::write_repaired(const ContainerReader& from, ContainerFile before,
                                            const BytePath& path, std::uint64_t& repaired) {
  const ContainerHeader header{ContainerKind::data, commits_.last().store, before.id,
                               before.generation + 1};
  const Compression how =
      options_.compression == Compression::none ? Compression::zstd : options_.compression;
  auto created = ContainerWriter::create(files_, path, header, how, codec_.cipher());
  if (!created.ok()) return created.error();
  ContainerWriter& to = created.value();
  std::vector<ChunkRecord> chunks = from.table().chunks;
  std::sort(chunks.begin(), chunks.end(),
            [](const ChunkRecord& a, const ChunkRecord& b) { return a.local_id < b.local_id; });
  auto next = chunks.begin();
  for (const FrameRecord& record : from.table().frames) {
    const auto end = next + std::min<std::ptrdiff_t>(record.chunks, chunks.end() - next);
    if (Status s = repair_frame(from, before.id, record, {next, end}, to, repaired); !s.ok()) {
      return s.error();
    }
    next = end;
  }
  if (Status s = to.seal(codec_); !s.ok()) return s.error();
  return DirectorySlot{{header.id, header.generation},
                       static_cast<std::uint32_t>(to.bytes()),
                       static_cast<std::uint32_t>(to.table().footer_bytes())};
}

// `chunks`: what the footer says that the frame has.
Status Store::repair_frame(const ContainerReader& from, std::uint32_t container,
                           const FrameRecord& record, std::span<const ChunkRecord> chunks,
                           ContainerWriter& to, std::uint64_t& repaired) {
  std::vector<std::byte> stored(record.stored_bytes);
  const FramePlace place{container, record.offset};
  Result<Frame> frame = Error(Errc::corrupt, "not read");
  if (from.file().read(record.offset, stored).ok()) frame = parse_frame(stored, place, codec_);
  std::vector<bool> good(chunks.size());
  for (std::size_t i = 0; frame.ok() && i < chunks.size(); ++i) {
    const auto there = frame.value().find(chunks[i].local_id);
    good[i] = there && has_its_fingerprint(chunks[i].fingerprint, there->bytes, codec_.cipher());
  }
  if (std::find(good.begin(), good.end(), false) == good.end()) {
    const auto header = check_frame(stored, place, codec_.cipher());
    return header.ok() ? to.keep_frame(header.value(), stored, place, codec_)
                       : Status(header.error());
  }
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (good[i]) {
      const Bytes bytes = frame.value().find(chunks[i].local_id)->bytes;
      if (Status s = to.keep(chunks[i], bytes, codec_); !s.ok()) return s;
      continue;
    }
    const auto copy = good_copy(chunks[i], container);
    if (!copy.ok()) return copy.error();
    if (Status s = to.keep(chunks[i], copy.value(), codec_); !s.ok()) return s;
    ++repaired;
  }
  return Ok{};
}

}  // namespace stillframe::chunkstore
