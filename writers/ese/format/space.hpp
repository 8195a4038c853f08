// Which pages an object owns and which of them are free. docs/formats/space.md has the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "writers/ese/format/page_source.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

enum SpaceFlag : std::uint32_t {
  kSpaceMultiple = 1,
  kSpaceNonUnique = 2,
  kSpaceHeaderV2 = 4,
};

// The external header of a tree's root: 16 bytes, or a byte that says which fields follow.
struct SpaceHeader {
  std::uint32_t pages = 0;  // of the primary extent; of the last allocation once there are several
  Pgno parent{};            // the root that space is taken from
  std::uint32_t flags = 0;
  // Several extents: the root of the owned-extent tree, the available-extent tree's is the next
  // page. One extent: bit i says that page root + 1 + i is free.
  std::uint32_t owned_root_or_free_bits = 0;
  std::optional<std::uint64_t> next_auto_increment;

  bool multiple() const { return (flags & kSpaceMultiple) != 0; }
  Pgno owned_root() const { return Pgno{owned_root_or_free_bits}; }
  Pgno available_root() const { return Pgno{owned_root_or_free_bits + 1}; }
  friend bool operator==(const SpaceHeader&, const SpaceHeader&) = default;
};

// database_corrupted for a form with fields that are unknown.
Result<SpaceHeader> decode_space_header(Bytes external_header);
// In the short form unless there is a next auto-increment value.
std::vector<std::byte> encode_space_header(const SpaceHeader& header);

struct Extent {
  Pgno first{};
  std::uint32_t pages = 0;

  bool contains(Pgno pgno) const {
    return pgno >= first &&
           static_cast<std::uint64_t>(pgno) < static_cast<std::uint64_t>(first) + pages;
  }
  friend bool operator==(const Extent&, const Extent&) = default;
};

struct Space {
  SpaceHeader header;
  std::vector<Extent> owned;
  std::vector<Extent> available;
};

// The extents of one owned- or available-extent tree.
Result<std::vector<Extent>> read_extents(const PageSource& source, Pgno root, Objid objid);
Result<Space> read_space(const PageSource& source, Pgno root, Objid objid);

}  // namespace stillframe::ese
