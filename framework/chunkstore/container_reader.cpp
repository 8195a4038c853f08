#include "framework/chunkstore/container_reader.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "framework/base/path.hpp"

namespace stillframe::chunkstore {

Result<std::shared_ptr<const ContainerReader>> ContainerReader::open(Files& files,
                                                                     const BytePath& path,
                                                                     const UuidBytes& store,
                                                                     ContainerFile expected,
                                                                     const StoreCipher* cipher) {
  const auto doing = [&](const Error& error) {
    return error.while_doing("open container '" + escape_path(path) + "'");
  };
  std::shared_ptr<ContainerReader> reader(new ContainerReader);
  auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  reader->file_ = std::move(file).value();
  const auto size = reader->file_->size();
  if (!size.ok()) return size.error();
  if (size.value() < kContainerHeaderBytes + kTrailerBytes) {
    return doing(Error(Errc::truncated, "it has no footer"));
  }
  std::array<std::byte, kContainerHeaderBytes> header_bytes;
  if (Status s = reader->file_->read(0, header_bytes); !s.ok()) return s.error();
  const auto header = parse_container_header(header_bytes);
  if (!header.ok()) return doing(header.error());
  if (header.value().store != store || header.value().id != expected.id ||
      header.value().generation != expected.generation) {
    return doing(Error(Errc::corrupt, "its header is another container's"));
  }
  reader->kind_ = header.value().kind;
  reader->generation_ = header.value().generation;
  std::array<std::byte, kTrailerBytes> end;
  if (Status s = reader->file_->read(size.value() - end.size(), end); !s.ok()) return s.error();
  const auto trailer = parse_trailer(end, size.value());
  if (!trailer.ok()) return doing(trailer.error());
  if (trailer.value().encrypted && cipher == nullptr) {
    return key_is_needed("container '" + escape_path(path) + "'");
  }
  std::vector<std::byte> footer(trailer.value().footer_bytes());
  if (Status s = reader->file_->read(trailer.value().footer_offset, footer); !s.ok()) {
    return s.error();
  }
  auto table = parse_footer(footer, trailer.value(), header.value(), cipher);
  if (!table.ok()) return doing(table.error());
  reader->table_ = std::move(table).value();
  return std::shared_ptr<const ContainerReader>(std::move(reader));
}

const ChunkRecord* ContainerReader::find(const Fingerprint& fingerprint) const {
  const auto found = std::lower_bound(table_.chunks.begin(), table_.chunks.end(), fingerprint,
                                      [](const ChunkRecord& chunk, const Fingerprint& wanted) {
                                        return chunk.fingerprint < wanted;
                                      });
  return found != table_.chunks.end() && found->fingerprint == fingerprint ? &*found : nullptr;
}

std::size_t ContainerReader::memory_bytes() const {
  return sizeof *this + table_.chunks.capacity() * sizeof(ChunkRecord) +
         table_.frames.capacity() * sizeof(FrameRecord);
}

Status check_container_header(const File& file, const ContainerHeader& expected) {
  std::array<std::byte, kContainerHeaderBytes> stored;
  if (Status s = file.read(0, stored); !s.ok()) return s;
  const auto found = parse_container_header(stored);
  if (!found.ok()) return found.error();
  if (found.value() == expected) return Ok{};
  return Error(Errc::corrupt,
               "container '" + escape_path(file.path()) + "': its header is another container's");
}

Result<ContainerTable> read_frame_tables(const File& file, std::uint32_t container,
                                         std::uint64_t valid_bytes, const StoreCipher* cipher) {
  ContainerTable table;
  table.encrypted = cipher != nullptr;
  const auto head_bytes = [&](std::size_t chunks) {
    return frame_payload_offset(chunks, table.encrypted);
  };
  std::vector<std::byte> ahead;
  std::uint64_t at = kContainerHeaderBytes;
  std::uint32_t next_local_id = 0;
  while (at < valid_bytes) {
    ahead.resize(std::min<std::uint64_t>(valid_bytes - at, head_bytes(16)));
    if (Status s = file.read(at, ahead); !s.ok()) return s.error();
    auto frame = parse_frame_header(ahead, {container, at}, cipher);
    if (!frame.ok() && frame.error().code() == Errc::truncated) {
      ahead.resize(std::min<std::uint64_t>(valid_bytes - at, head_bytes(kFrameChunksMax)));
      if (Status s = file.read(at, ahead); !s.ok()) return s.error();
      frame = parse_frame_header(ahead, {container, at}, cipher);
    }
    if (!frame.ok()) return frame.error();
    const FrameHeader& it = frame.value();
    if (it.encrypted && cipher == nullptr) {
      return key_is_needed("container '" + escape_path(file.path()) + "'");
    }
    if (it.chunks.front().local_id < next_local_id ||
        it.chunks.back().local_id >= kContainerChunksMax || it.stored_bytes() > valid_bytes - at) {
      return Error(Errc::corrupt,
                   "container '" + escape_path(file.path()) + "': its frames are not in order");
    }
    table.frames.push_back(
        {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(it.stored_bytes()),
         it.chunks.front().local_id, static_cast<std::uint32_t>(it.chunks.size())});
    table.chunks.insert(table.chunks.end(), it.chunks.begin(), it.chunks.end());
    next_local_id = it.chunks.back().local_id + 1;
    at += it.stored_bytes();
  }
  return table;
}

Result<Frame> read_frame(const File& file, std::uint32_t container, const FrameRecord& record,
                         FrameCodec& codec) {
  std::vector<std::byte> stored(record.stored_bytes);
  if (Status s = file.read(record.offset, stored); !s.ok()) return s.error();
  auto frame = parse_frame(stored, {container, record.offset}, codec);
  if (!frame.ok()) return frame.error().while_doing("read '" + escape_path(file.path()) + "'");
  if (frame.value().chunks.size() != record.chunks ||
      frame.value().chunks.front().local_id != record.first_local_id) {
    return Error(Errc::corrupt, "container '" + escape_path(file.path()) +
                                    "': a frame is not the one that its footer names");
  }
  return frame;
}

void SealedContainers::add(ContainerFile file) {
  std::uint32_t& generation = generations_[file.id];
  if (file.generation <= generation) return;
  generation = file.generation;
  forget(file.id);
}

void SealedContainers::remove(std::uint32_t id) {
  generations_.erase(id);
  forget(id);
}

void SealedContainers::set(std::map<std::uint32_t, std::uint32_t> generations) {
  std::swap(generations_, generations);
  for (const auto& [id, before] : generations) {
    if (generation(id) != before) forget(id);
  }
}

std::uint32_t SealedContainers::generation(std::uint32_t id) const {
  const auto found = generations_.find(id);
  return found == generations_.end() ? 0 : found->second;
}

void SealedContainers::forget(std::uint32_t id) {
  if (const auto found = where_.find(id); found != where_.end()) {
    memory_ -= found->second->reader->memory_bytes();
    kept_.erase(found->second);
    where_.erase(found);
  }
}

Result<std::shared_ptr<const ContainerReader>> SealedContainers::get(std::uint32_t id) {
  if (const auto found = where_.find(id); found != where_.end()) {
    kept_.splice(kept_.begin(), kept_, found->second);
    return kept_.front().reader;
  }
  const auto known = generations_.find(id);
  if (known == generations_.end()) {
    return Error(Errc::not_found, "the store has no container " + std::to_string(id));
  }
  const BytePath path = join_path(folder_, container_file_name(id, known->second));
  auto reader = ContainerReader::open(files_, path, store_, {id, known->second}, cipher_.get());
  if (!reader.ok()) return reader.error();
  kept_.push_front({id, reader.value()});
  where_[id] = kept_.begin();
  memory_ += reader.value()->memory_bytes();
  while (memory_ > memory_max_ && kept_.size() > 1) {
    memory_ -= kept_.back().reader->memory_bytes();
    where_.erase(kept_.back().id);
    kept_.pop_back();
  }
  return reader;
}

}  // namespace stillframe::chunkstore
