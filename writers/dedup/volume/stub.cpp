#include "writers/dedup/volume/stub.hpp"

#include <algorithm>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace stillframe::dedup {

namespace {

constexpr std::uint64_t kSignature = 0x4255545344444653;  // SFDDSTUB
constexpr std::uint16_t kStubMajorVersion = 1;
constexpr std::size_t kSumOffset = 48;

}  // namespace

std::array<std::byte, kStubBytes> format_stub(const Stub& stub) {
  std::array<std::byte, kStubBytes> bytes{};
  store_le(bytes.data(), kSignature);
  store_le(bytes.data() + 8, kStubMajorVersion);
  std::memcpy(bytes.data() + 16, stub.store.data(), stub.store.size());
  std::memcpy(bytes.data() + 32, stub.file.bytes().data(), stub.file.bytes().size());
  store_le(bytes.data() + kSumOffset,
           static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), kSumOffset)));
  return bytes;
}

Result<Stub> parse_stub(Bytes bytes) {
  const Error corrupt(Errc::corrupt, "the mark of a deduplicated file is damaged");
  if (bytes.size() != kStubBytes || load_le<std::uint64_t>(bytes.data()) != kSignature ||
      load_le<std::uint64_t>(bytes.data() + kSumOffset) != XXH3_64bits(bytes.data(), kSumOffset)) {
    return corrupt;
  }
  if (load_le<std::uint16_t>(bytes.data() + 8) != kStubMajorVersion) {
    return Error(Errc::future_version, "the mark of a deduplicated file is of another version");
  }
  Stub stub;
  UuidBytes file;
  std::memcpy(stub.store.data(), bytes.data() + 16, stub.store.size());
  std::memcpy(file.data(), bytes.data() + 32, file.size());
  stub.file = FileId(file);
  const auto again = format_stub(stub);
  return std::equal(again.begin(), again.end(), bytes.begin()) ? Result<Stub>(stub) : corrupt;
}

}  // namespace stillframe::dedup
