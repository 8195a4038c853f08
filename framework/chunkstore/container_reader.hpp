// Containers that are sealed, and those of them that were read lately.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include <stillframe/result.hpp>

#include "framework/chunkstore/container_format.hpp"
#include "framework/io/files.hpp"

namespace stillframe::chunkstore {

// A sealed container with its footer in memory.
class ContainerReader {
 public:
  // Checks header and footer, and that the file is the container that is expected. access_denied:
  // it is encrypted, and there is no cipher.
  static Result<std::shared_ptr<const ContainerReader>> open(Files& files, const BytePath& path,
                                                             const UuidBytes& store,
                                                             ContainerFile expected,
                                                             const StoreCipher* cipher = nullptr);

  ContainerKind kind() const { return kind_; }
  std::uint32_t generation() const { return generation_; }
  const ContainerTable& table() const { return table_; }
  const File& file() const { return *file_; }
  const ChunkRecord* find(const Fingerprint& fingerprint) const;
  std::size_t memory_bytes() const;

 private:
  ContainerReader() = default;
  std::unique_ptr<File> file_;
  ContainerKind kind_ = ContainerKind::data;
  std::uint32_t generation_ = 0;
  ContainerTable table_;
};

// corrupt when the file does not begin with this header.
Status check_container_header(const File& file, const ContainerHeader& expected);

// What a container without a footer has before `valid_bytes`, from its frames' headers alone:
// payloads are checked when they are read.
Result<ContainerTable> read_frame_tables(const File& file, std::uint32_t container,
                                         std::uint64_t valid_bytes,
                                         const StoreCipher* cipher = nullptr);

// Reads one frame of a container, whole and checked, and its chunks must be those of the record.
Result<Frame> read_frame(const File& file, std::uint32_t container, const FrameRecord& record,
                         FrameCodec& codec);

// The sealed containers of a store. Keeps the footers that were used last, which for duplicates and
// for restores are those that are used next.
class SealedContainers {
 public:
  SealedContainers(Files& files, BytePath folder, const UuidBytes& store, std::size_t memory_max,
                   std::shared_ptr<const StoreCipher> cipher = nullptr)
      : files_(files),
        folder_(std::move(folder)),
        store_(store),
        memory_max_(memory_max),
        cipher_(std::move(cipher)) {}

  // Of several generations of an id the highest counts.
  void add(ContainerFile file);
  void remove(std::uint32_t id);
  // These and no others.
  void set(std::map<std::uint32_t, std::uint32_t> generations);
  std::uint32_t generation(std::uint32_t id) const;  // 0: there is no such container
  const std::map<std::uint32_t, std::uint32_t>& generations() const { return generations_; }

  // Shared: whoever works with a container keeps it while others take its place here.
  Result<std::shared_ptr<const ContainerReader>> get(std::uint32_t id);

 private:
  struct Kept {
    std::uint32_t id;
    std::shared_ptr<const ContainerReader> reader;
  };
  void forget(std::uint32_t id);

  Files& files_;
  const BytePath folder_;
  const UuidBytes store_;
  const std::size_t memory_max_;
  const std::shared_ptr<const StoreCipher> cipher_;
  std::map<std::uint32_t, std::uint32_t> generations_;  // by id
  std::list<Kept> kept_;                                // the one used last in front
  std::map<std::uint32_t, std::list<Kept>::iterator> where_;
  std::size_t memory_ = 0;
};

}  // namespace stillframe::chunkstore
