// What the functions that carry out records share. For page_apply*.cpp alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "writers/ese/engine/page_apply.hpp"
#include "writers/ese/format/page_editor.hpp"
#include "writers/ese/format/record_page.hpp"
#include "writers/ese/format/record_parts.hpp"

namespace stillframe::ese {

// One record and the pages it is carried out on.
class RecordChange {
 public:
  RecordChange(const LoggedRecord& record, std::span<HeldPage> pages, const ApplyContext& context)
      : record_(&record), pages_(pages), context_(&context) {}

  // The same pages, for another record of the same change.
  RecordChange with(const LoggedRecord& record) const { return {record, pages_, *context_}; }

  const LoggedRecord& record() const { return *record_; }
  RecordType type() const { return static_cast<RecordType>(record_->bytes[0]); }
  const ApplyContext& context() const { return *context_; }
  template <class R>
  Record<R> decoded() const {
    return decode_record<R>(record_->bytes);
  }

  const HeldPage& page(Pgno pgno) const;
  // None for a page that has the change already.
  std::optional<PageEditor> to_change(Pgno pgno) const;
  std::size_t page_bytes() const { return pages_.front().bytes.size(); }

  // The record does not fit what is on the page (database_corrupted).
  Error misfit(Pgno pgno, std::string_view why) const;
  // The record cannot be true whatever is on the page (log_corrupted).
  Error contradiction(Pgno pgno, std::string_view why) const;

 private:
  const LoggedRecord* record_;
  std::span<HeldPage> pages_;
  const ApplyContext* context_;
};

// The dbtimes of a page as a record has them. Adds it to `touched` unless an earlier record of the
// change touches it already.
void touch(std::vector<TouchedPage>& touched, const TouchedPage& page);

// Records of one node or of a page's header; a page's worth of checks, then the change.
Status apply_insert(const RecordChange& change);
Status apply_flag_insert(const RecordChange& change);
Status apply_flag_insert_and_replace(const RecordChange& change);
Status apply_flag_delete(const RecordChange& change);
Status apply_remove(const RecordChange& change);
Status apply_replace(const RecordChange& change);
Status apply_replace_diff(const RecordChange& change);
Status apply_delta(const RecordChange& change);
Status apply_delta64(const RecordChange& change);
Status apply_external_header(const RecordChange& change);
Status apply_undo(const RecordChange& change);
Status apply_scrub(const RecordChange& change);

// The data that a Replace or ReplaceD leaves where `old_data` was. In a split Windows' Replace
// repeats the new size where the old one belongs, so that it says nothing there.
enum class OldSize { said, not_said };
Result<std::vector<std::byte>> replaced_data(const RecordChange& change, Pgno pgno, Bytes old_data,
                                             OldSize old_size);

// Records that make or empty whole pages.
Status apply_new_page(const RecordChange& change);
Status apply_create_single(const RecordChange& change);
Status apply_create_multiple(const RecordChange& change);
Status apply_convert(const RecordChange& change);
Status apply_empty_tree(const RecordChange& change);
Status apply_page_move(const RecordChange& change);
// Leaves nothing on a page but its header.
void empty_page(PageEditor& page);

// Macros. `changes` are their records, topmost page first.
Status apply_split(std::span<const RecordChange> changes);
Status apply_merge(std::span<const RecordChange> changes);
Status apply_moved_root(std::span<const RecordChange> changes);

// The nodes on the page as the image in a split's or merge's record has it.
Result<std::vector<LooseNode>> nodes_of_image(const RecordChange& change, Pgno pgno, Bytes image,
                                              std::uint32_t image_flags);
std::string bytes_text(std::size_t count);

}  // namespace stillframe::ese
