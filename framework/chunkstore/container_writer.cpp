#include "framework/chunkstore/container_writer.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "framework/base/check.hpp"
#include "framework/chunkstore/container_reader.hpp"

namespace stillframe::chunkstore {

Result<ContainerWriter> ContainerWriter::create(Files& files, const BytePath& path,
                                                const ContainerHeader& header,
                                                Compression compression,
                                                const StoreCipher* cipher) {
  auto file = files.create(path);
  if (!file.ok()) return file.error();
  ContainerWriter writer(std::move(file).value(), header, compression);
  writer.table_.encrypted = cipher != nullptr;
  if (Status s = writer.file_->write(0, format_container_header(header)); !s.ok()) {
    return s.error();
  }
  return writer;
}

Result<ContainerWriter> ContainerWriter::resume(Files& files, const BytePath& path,
                                                const ContainerHeader& header,
                                                Compression compression, std::uint64_t valid_bytes,
                                                std::uint32_t next_local_id,
                                                const StoreCipher* cipher) {
  auto file = files.open(path, FileAccess::write);
  if (!file.ok()) return file.error();
  ContainerWriter writer(std::move(file).value(), header, compression);
  if (Status s = check_container_header(*writer.file_, header); !s.ok()) return s.error();
  auto table = read_frame_tables(*writer.file_, header.id, valid_bytes, cipher);
  if (!table.ok()) return table.error();
  writer.table_ = std::move(table).value();
  writer.bytes_ = std::max<std::uint64_t>(valid_bytes, kContainerHeaderBytes);
  if (!writer.table_.chunks.empty()) {
    writer.next_local_id_ = writer.table_.chunks.back().local_id + 1;
  }
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

bool ContainerWriter::full_for(std::size_t bytes, std::uint64_t bytes_max) const {
  if (next_local_id_ == 0) return false;
  const std::uint64_t chunks = table_.chunks.size() + frame_.chunk_count() + 1;
  const std::uint64_t footer = (table_.frames.size() + 2) * sizeof(FrameRecord) +
                               chunks * sizeof(ChunkRecord) + kTrailerBytes;
  const std::uint64_t added = table_.encrypted ? 2 * kFrameCipherBytes + kFooterCipherBytes : 0;
  return next_local_id_ == kContainerChunksMax ||
         bytes_ + frame_.stored_bytes_max() + frame_table_end(1) + bytes + footer + added >
             bytes_max;
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

Status ContainerWriter::keep(const ChunkRecord& chunk, Bytes bytes, FrameCodec& codec) {
  if (Status s = check_order(chunk.local_id); !s.ok()) return s;
  if (frame_.full_for(bytes.size())) {
    if (Status s = flush(codec); !s.ok()) return s;
  }
  frame_.add(chunk, bytes);
  next_local_id_ = chunk.local_id + 1;
  return Ok{};
}

Status ContainerWriter::keep_frame(const FrameHeader& header, MutableBytes stored, FramePlace from,
                                   FrameCodec& codec) {
  if (Status s = check_order(header.chunks.front().local_id); !s.ok()) return s;
  if (Status s = flush(codec); !s.ok()) return s;
  const FramePlace to{header_.id, bytes_};
  if (Status s = move_frame(stored, from, to, codec.cipher()); !s.ok()) return s;
  next_local_id_ = header.chunks.back().local_id + 1;
  return write_frame(header.chunks, stored);
}

Status ContainerWriter::check_order(std::uint32_t local_id) const {
  if (local_id >= next_local_id_) return Ok{};
  return Error(Errc::corrupt, "container " + std::to_string(header_.id) + ": chunk " +
                                  std::to_string(local_id) + " is not in order");
}

Status ContainerWriter::flush(FrameCodec& codec) {
  if (frame_.empty()) return Ok{};
  const std::vector<ChunkRecord> chunks = frame_.chunks();
  return write_frame(chunks, frame_.finish({header_.id, bytes_}, compression_, codec));
}

Status ContainerWriter::write_frame(const std::vector<ChunkRecord>& chunks, Bytes stored) {
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
  const std::vector<std::byte> footer = format_footer(header_, table_, bytes_, codec.cipher());
  if (Status s = file_->write(bytes_, footer); !s.ok()) return s;
  bytes_ += footer.size();
  return file_->sync();
}

}  // namespace stillframe::chunkstore
