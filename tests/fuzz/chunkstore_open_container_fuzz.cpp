// link: stillframe_chunkstore
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "framework/chunkstore/container_reader.hpp"

namespace {

using namespace stillframe;
using namespace stillframe::chunkstore;

class FileInMemory final : public File {
 public:
  explicit FileInMemory(Bytes bytes) : bytes_(bytes) {}

  Status read(std::uint64_t offset, MutableBytes into) const override {
    if (offset > bytes_.size() || into.size() > bytes_.size() - offset) {
      return Error(Errc::truncated, "it ends early");
    }
    if (!into.empty()) std::memcpy(into.data(), bytes_.data() + offset, into.size());
    return Ok{};
  }
  Status write(std::uint64_t, Bytes) override { return Error(Errc::not_supported, "read only"); }
  Status sync() override { return Ok{}; }
  Result<std::uint64_t> size() const override { return bytes_.size(); }
  Status resize(std::uint64_t) override { return Error(Errc::not_supported, "read only"); }
  const BytePath& path() const override { return path_; }

 private:
  Bytes bytes_;
  BytePath path_ = "input";
};

constexpr std::uint32_t kContainer = 7;

// Puts right the checksums of all frames that are as long as they say.
void seal_frames(MutableBytes bytes) {
  for (std::size_t at = kContainerHeaderBytes; bytes.size() - at >= kFrameHeaderBytes;) {
    const std::size_t stored = stated_frame_bytes(bytes.subspan(at));
    if (stored > bytes.size() - at) return;
    seal_frame(bytes.subspan(at, stored), {kContainer, at});
    at += stored;
  }
}

// Frames that are taken follow each other, and their chunks are in order.
void expect_in_order(const Result<ContainerTable>& table, std::size_t size) {
  if (!table.ok()) return;
  std::uint64_t end = kContainerHeaderBytes;
  std::size_t chunks = 0;
  for (const FrameRecord& frame : table.value().frames) {
    if (frame.offset != end) std::abort();
    end += frame.stored_bytes;
    chunks += frame.chunks;
  }
  if (end != size || chunks != table.value().chunks.size()) std::abort();
  for (std::size_t i = 1; i < chunks; ++i) {
    if (table.value().chunks[i - 1].local_id >= table.value().chunks[i].local_id) std::abort();
  }
}

}  // namespace

// Reads the input as a container that has no footer yet, as whoever resumes it or reads beside its
// writer does, with a key and without; and as a name in the folder of containers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view name(reinterpret_cast<const char*>(data), size);
  if (parse_container_file_name(name).ok() && is_unfinished_container(name)) std::abort();
  if (size < kContainerHeaderBytes) return 0;
  const auto bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> sealed(bytes, bytes + size);
  seal_frames(sealed);
  static const StoreCipher cipher{Key256()};
  const FileInMemory file(sealed);
  expect_in_order(read_frame_tables(file, kContainer, size), size);
  expect_in_order(read_frame_tables(file, kContainer, size, &cipher), size);
  return 0;
}
