// The container that is appended to.
#pragma once

#include <cstdint>
#include <memory>

#include <stillframe/result.hpp>

#include "framework/chunkstore/container_format.hpp"
#include "framework/io/files.hpp"

namespace stillframe::chunkstore {

// Chunks go into frames, frames to the file's end. What was added can be read after flush() and
// survives a crash after sync(). After an error nothing more may be added.
class ContainerWriter {
 public:
  // `path` does not exist yet. Its name is durable once the caller has synced the folder. With a
  // cipher the container is encrypted, and all codecs that it is given have that cipher.
  static Result<ContainerWriter> create(Files& files, const BytePath& path,
                                        const ContainerHeader& header, Compression compression,
                                        const StoreCipher* cipher = nullptr);
  // Goes on behind `valid_bytes`, which a commit record names, and cuts off what is behind them.
  static Result<ContainerWriter> resume(Files& files, const BytePath& path,
                                        const ContainerHeader& header, Compression compression,
                                        std::uint64_t valid_bytes, std::uint32_t next_local_id,
                                        const StoreCipher* cipher = nullptr);

  // Whether a chunk of `bytes` would exceed `bytes_max` or another limit: then it is time to
  // seal().
  bool full_for(std::size_t bytes, std::uint64_t bytes_max) const;
  // Returns the chunk's local id.
  Result<std::uint32_t> add(const Fingerprint& fingerprint, Bytes bytes, FrameCodec& codec);
  // For what was stored before and keeps its local id, which is above all others so far; a frame as
  // it lies in another place, `from`, whose chunks all do.
  Status keep(const ChunkRecord& chunk, Bytes bytes, FrameCodec& codec);
  Status keep_frame(const FrameHeader& header, MutableBytes stored, FramePlace from,
                    FrameCodec& codec);
  // Writes the frame under way, so that its chunks can be read.
  Status flush(FrameCodec& codec);
  // The same, and syncs the file.
  Status sync(FrameCodec& codec);
  // The same with a footer. Nothing can be added any more.
  Status seal(FrameCodec& codec);

  const ContainerHeader& header() const { return header_; }
  const ContainerTable& table() const { return table_; }  // of the frames in the file
  const File& file() const { return *file_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint32_t next_local_id() const { return next_local_id_; }

 private:
  ContainerWriter(std::unique_ptr<File> file, const ContainerHeader& header,
                  Compression compression)
      : file_(std::move(file)), header_(header), compression_(compression) {}
  Status check_order(std::uint32_t local_id) const;
  Status write_frame(const std::vector<ChunkRecord>& chunks, Bytes stored);

  std::unique_ptr<File> file_;
  ContainerHeader header_;
  Compression compression_;
  ContainerTable table_;
  FrameBuilder frame_;
  std::uint64_t bytes_ = kContainerHeaderBytes;
  std::uint32_t next_local_id_ = 0;
  bool synced_ = false;
};

}  // namespace stillframe::chunkstore
