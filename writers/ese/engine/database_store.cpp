#include "writers/ese/engine/database_store.hpp"

#include <utility>

#include "writers/ese/format/checksum.hpp"
#include "writers/ese/format/ese_error.hpp"
#include "writers/ese/format/page_check.hpp"
#include "writers/ese/format/tree.hpp"

namespace stillframe::ese {

namespace {

constexpr std::uint64_t kHeaderPages = 2;

}  // namespace

DatabaseStore::DatabaseStore(std::unique_ptr<File> file, std::size_t page_bytes)
    : file_(std::move(file)), page_bytes_(page_bytes), name_(escape_path(file_->path())) {}

std::uint64_t DatabaseStore::offset_of(Pgno pgno) const {
  return (static_cast<std::uint64_t>(pgno) - 1 + kHeaderPages) * page_bytes_;
}

Status DatabaseStore::grow(Pgno last) {
  const auto size = file_->size();
  if (!size.ok()) return size.error();
  const std::uint64_t wanted = offset_of(last) + page_bytes_;
  return size.value() >= wanted ? Status(Ok{}) : file_->resize(wanted);
}

Status DatabaseStore::read(Pgno pgno, MutableBytes into) {
  if (Status s = read_checked_page(*this, pgno, into); !s.ok()) return s;
  return check_page_for_editing(into, name_, pgno);
}

Status DatabaseStore::write(Pgno pgno, MutableBytes page) {
  if (hook_) {
    if (Status s = hook_(pgno, page); !s.ok()) return s;
  }
  seal_page(page, static_cast<std::uint32_t>(pgno));
  return file_->write(offset_of(pgno), page);
}

Pgno DatabaseStore::last_page() const {
  const auto size = file_->size();
  const std::uint64_t pages = size.ok() ? size.value() / page_bytes_ : 0;
  return Pgno{static_cast<std::uint32_t>(pages <= kHeaderPages ? 0 : pages - kHeaderPages)};
}

Status DatabaseStore::read_pages(Pgno first, MutableBytes to) const {
  const std::uint64_t end = static_cast<std::uint64_t>(first) + to.size() / page_bytes_ - 1;
  if (first == Pgno::null || end > static_cast<std::uint64_t>(last_page())) {
    return ese_error(EseErr::bad_page_link, page_text(*this, first) + " is past its end");
  }
  return file_->read(offset_of(first), to);
}

}  // namespace stillframe::ese
