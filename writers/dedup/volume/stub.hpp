// What marks a file as deduplicated: the value of an extended attribute, of the same small size
// for every file. Everything that changes is in the file table.
#pragma once

#include <array>

#include <stillframe/ids.hpp>
#include <stillframe/result.hpp>

#include "framework/base/bytes.hpp"
#include "writers/dedup/volume/file_entry.hpp"

namespace stillframe::dedup {

// Users can neither see nor set it, and copying programs leave it behind.
constexpr const char* kStubAttribute = "trusted.stillframe.dedup";
constexpr std::size_t kStubBytes = 56;

struct Stub {
  UuidBytes store{};
  FileId file;
  friend bool operator==(const Stub&, const Stub&) = default;
};

std::array<std::byte, kStubBytes> format_stub(const Stub& stub);
// future_version, or corrupt for anything that format_stub() does not make.
Result<Stub> parse_stub(Bytes bytes);

}  // namespace stillframe::dedup
