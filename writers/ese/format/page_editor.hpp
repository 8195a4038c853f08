// Changes a page in place: the operations that an engine and redo need, without allocating.
//
// Lines are counted as PageView counts them. An operation that finds too little room returns false
// and has changed nothing; the caller splits the page. Keeping lines in order, choosing prefixes
// and setting dbtime are the caller's business.
#pragma once

#include <cstdint>

#include "writers/ese/format/page.hpp"

namespace stillframe::ese {

// A node to be written: `prefix_bytes` of its key are those of the page's prefix.
struct NodeParts {
  std::size_t prefix_bytes = 0;
  Bytes suffix;
  Bytes data;
  std::uint8_t flags = 0;  // kNodeVersion, kNodeDeleted; kNodeCompressed follows from prefix_bytes

  std::size_t body_bytes() const {
    return (prefix_bytes > 0 ? 4 : 2) + suffix.size() + data.size();
  }
};

class PageEditor {
 public:
  // `page` is one that check_page_structure() passed, or is about to be formatted.
  explicit PageEditor(MutableBytes page) : page_(page) {}

  PageView view() const { return PageView(page_); }

  // Makes it an empty page with an empty external header. `flags` as they shall be,
  // kPageNewChecksum included.
  void format(Pgno pgno, Objid objid, std::uint32_t flags, Dbtime dbtime);

  [[nodiscard]] bool insert(std::size_t line, const NodeParts& node);
  void erase(std::size_t line);
  // Lines [from, view().lines()) go.
  void erase_from(std::size_t from);
  // New data for a node; its key and flags stay. `data` may lie on this page only if it is the
  // node's own.
  [[nodiscard]] bool replace_data(std::size_t line, Bytes data);
  // A node in place of another.
  [[nodiscard]] bool replace(std::size_t line, const NodeParts& node);
  void set_node_flags(std::size_t line, std::uint8_t flags);  // kNodeCompressed stays as it is
  // To be changed in place, for counters.
  MutableBytes data(std::size_t line);

  // The nodes' prefixes keep their lengths: only for pages without compressed nodes, or when the
  // new header begins as the old one did.
  [[nodiscard]] bool set_external_header(Bytes header);
  // An emptied page: no lines, and no external header either.
  void clear();
  // Moves all bodies together, so that all free bytes are in one run.
  void compact();

  void set_dbtime(Dbtime dbtime) { store(page_at::kDbtime, dbtime); }
  void set_previous(Pgno pgno) { store(page_at::kPrevious, pgno); }
  void set_next(Pgno pgno) { store(page_at::kNext, pgno); }
  void set_objid(Objid objid) { store(page_at::kObjid, objid); }
  void set_flags(std::uint32_t flags) { store(page_at::kFlags, flags); }
  void set_uncommitted_free_bytes(std::size_t count) {
    store_word(page_at::kUncommittedFree, count);
  }

 private:
  template <class T>
  void store(std::size_t at, T value) {
    store_le(page_.data() + at, value);
  }
  void store_word(std::size_t at, std::size_t value) {
    store(at, static_cast<std::uint16_t>(value));
  }
  void set_tag(std::size_t index, std::size_t offset, std::size_t size, std::uint8_t flags);
  void set_tag_count(std::size_t count);
  // Room for `size` bytes behind all bodies, which are moved together first if need be. The caller
  // has checked that there is as much.
  std::size_t take_room(std::size_t size);
  void give_back(const Tag& tag);
  // Puts another size and maybe place under tag `index`; false if there is no room.
  bool resize(std::size_t index, std::size_t size, std::size_t keep);
  void write_node(std::size_t index, const NodeParts& node);

  MutableBytes page_;
};

}  // namespace stillframe::ese
