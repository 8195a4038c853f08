// Lists of files as callers have them, in both forms of text, and names that come back from them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include <stillframe/ntds/ntdsbcli.h>
#include <stillframe/result.hpp>

#include "writers/ese/jet/text.hpp"
#include "writers/ese/ntds/directory_service.hpp"
#include "writers/ese/ntds/ntds_error.hpp"

namespace stillframe::ese::ntds {

// Given back with DsBackupFree.
inline void* new_block(const void* bytes, std::size_t count) {
  void* const block = std::malloc(count);
  if (block == nullptr) throw std::bad_alloc();
  std::memcpy(block, bytes, count);
  return block;
}

// A place for a list, which has to be empty.
template <class Char>
struct DsListPlace {
  Char** list;
  std::uint32_t* bytes;

  Status check() const {
    if (list != nullptr && bytes != nullptr && *list == nullptr) return Ok{};
    return invalid_parameter("a list needs a place for its pointer, which is null, and its size");
  }
  Status put(const Result<std::vector<ListedFile>>& files) const {
    if (!files.ok()) return files.error();
    std::basic_string<Char> text;
    for (const ListedFile& file : files.value()) {
      text += static_cast<Char>(file.kind);
      text += jet::in_form<Char>(file.path) + Char{0};
    }
    if (files.value().empty()) text += Char{0};
    text += Char{0};
    const std::size_t count = text.size() * sizeof(Char);
    *list = static_cast<Char*>(new_block(text.data(), count));
    *bytes = static_cast<std::uint32_t>(count);
    return Ok{};
  }
};

constexpr bool is_bft(std::uint32_t first) {
  // Directories have had two numbers each.
  for (const std::uint32_t known :
       {BFT_LOG, BFT_LOG_DIR, 0x22, BFT_CHECKPOINT_DIR, 0x23, BFT_PATCH_FILE, BFT_NTDS_DATABASE}) {
    if (first == known) return true;
  }
  return false;
}

// The path of an entry, with its BFT or without.
template <class Char>
BytePath entry_path(const Char* name) {
  if (name == nullptr || name[0] == Char{0}) return {};
  const auto first =
      static_cast<std::make_unsigned_t<std::conditional_t<sizeof(Char) == 1, char, std::uint16_t>>>(
          name[0]);
  const bool marked = is_bft(first) && name[1] == Char{'/'};
  return jet::utf8(marked ? name + 1 : name);
}

}  // namespace stillframe::ese::ntds
