#include "framework/chunkstore/container_writer.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/check.hpp"

namespace stillframe::chunkstore {

Result<ContainerWriter> ContainerWriter::create(Files& files, const BytePath& path,
                                                const ContainerHeader& header,
                                                Compression compression) {
  auto file = files.create(path);
  if (!file.ok()) return file.error();
  ContainerWriter writer(std::move(file).value(), header, compression);
  if (Status s = writer.file_->write(0, format_container_header(header)); !s.ok()) {
    return s.error();
  }
  return writer;
}

Result<ContainerWriter> ContainerWriter::resume(Files& files, const BytePath& path,
                                                const ContainerHeader& header,
                                                Compression compression, std::uint64_t valid_bytes,
                                                std::uint32_t next_local_id) {
  auto file = files.open(path, FileAccess::write);
  if (!file.ok()) return file.error();
  ContainerWriter writer(std::move(file).value(), header, compression);
  std::array<std::byte, kContainerHeaderBytes> stored;
  if (Status s = writer.file_->read(0, stored); !s.ok()) return s.error();
  auto found = parse_container_header(stored);
  if (!found.ok()) return found.error();
  if (!(found.value() == header)) {
    return Error(Errc::corrupt, "container '" + path + "': its header is another container's");
  }
  if (Status s = writer.read_frames(valid_bytes); !s.ok()) return s.error();
  if (writer.next_local_id_ > next_local_id) {
    return Error(Errc::corrupt, "container '" + path + "': it has more chunks than were committed");
  }
  writer.next_local_id_ = next_local_id;
  const auto size = writer.file_->size();
  if (!size.ok()) return size.error();
  if (size.value() > valid_bytes) {
    if (Status s = writer.file_->resize(valid_bytes); !s.ok()) return s.error();
  } else {
    writer.synced_ = true;
  }
  return writer;
}

// The headers alone: payloads are checked when they are read.
Status ContainerWriter::read_frames(std::uint64_t valid_bytes) {
  std::vector<std::byte> ahead;
  while (bytes_ < valid_bytes) {
    const FramePlace place{header_.id, bytes_};
    ahead.resize(std::min<std::uint64_t>(valid_bytes - bytes_, frame_table_end(16)));
    if (Status s = file_->read(bytes_, ahead); !s.ok()) return s;
    auto frame = parse_frame_header(ahead, place);
    if (!frame.ok() && frame.error().code() == Errc::truncated) {
      ahead.resize(std::min<std::uint64_t>(valid_bytes - bytes_, frame_table_end(kFrameChunksMax)));
      if (Status s = file_->read(bytes_, ahead); !s.ok()) return s;
      frame = parse_frame_header(ahead, place);
    }
    if (!frame.ok()) return frame.error();
    const FrameHeader& it = frame.value();
    if (it.chunks.front().local_id < next_local_id_ ||
        it.chunks.back().local_id >= kContainerChunksMax ||
        it.stored_bytes() > valid_bytes - bytes_) {
      return Error(Errc::corrupt, "container '" + file_->path() + "': its frames are not in order");
    }
    table_.frames.push_back(
        {static_cast<std::uint32_t>(bytes_), static_cast<std::uint32_t>(it.stored_bytes()),
         it.chunks.front().local_id, static_cast<std::uint32_t>(it.chunks.size())});
    table_.chunks.insert(table_.chunks.end(), it.chunks.begin(), it.chunks.end());
    next_local_id_ = it.chunks.back().local_id + 1;
    bytes_ += it.stored_bytes();
  }
  return Ok{};
}

bool ContainerWriter::full_for(std::size_t bytes, std::uint64_t bytes_max) const {
  if (next_local_id_ == 0) return false;
  const std::uint64_t chunks = table_.chunks.size() + frame_.chunk_count() + 1;
  const std::uint64_t footer = (table_.frames.size() + 2) * sizeof(FrameRecord) +
                               chunks * sizeof(ChunkRecord) + kTrailerBytes;
  return next_local_id_ == kContainerChunksMax ||
         bytes_ + frame_.stored_bytes_max() + frame_table_end(1) + bytes + footer > bytes_max;
}

Result<std::uint32_t> ContainerWriter::add(const Fingerprint& fingerprint, Bytes bytes,
                                           FrameCodec& codec) {
  STILLFRAME_CHECK(next_local_id_ < kContainerChunksMax, "the caller seals full containers");
  if (frame_.full_for(bytes.size())) {
    if (Status s = flush(codec); !s.ok()) return s.error();
  }
  const std::uint32_t id = next_local_id_++;
  frame_.add({fingerprint, id, static_cast<std::uint32_t>(bytes.size())}, bytes);
  return id;
}

Status ContainerWriter::flush(FrameCodec& codec) {
  if (frame_.empty()) return Ok{};
  const std::vector<ChunkRecord> chunks = frame_.chunks();
  const Bytes stored = frame_.finish({header_.id, bytes_}, compression_, codec);
  synced_ = false;
  if (Status s = file_->write(bytes_, stored); !s.ok()) return s;
  table_.frames.push_back({static_cast<std::uint32_t>(bytes_),
                           static_cast<std::uint32_t>(stored.size()), chunks.front().local_id,
                           static_cast<std::uint32_t>(chunks.size())});
  table_.chunks.insert(table_.chunks.end(), chunks.begin(), chunks.end());
  bytes_ += stored.size();
  return Ok{};
}

Status ContainerWriter::sync(FrameCodec& codec) {
  if (Status s = flush(codec); !s.ok()) return s;
  if (synced_) return Ok{};
  if (Status s = file_->sync(); !s.ok()) return s;
  synced_ = true;
  return Ok{};
}

Status ContainerWriter::seal(FrameCodec& codec) {
  if (Status s = flush(codec); !s.ok()) return s;
  const std::vector<std::byte> footer = format_footer(header_, table_, bytes_);
  if (Status s = file_->write(bytes_, footer); !s.ok()) return s;
  bytes_ += footer.size();
  return file_->sync();
}

}  // namespace stillframe::chunkstore
