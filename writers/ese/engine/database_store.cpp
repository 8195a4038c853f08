#include "writers/ese/engine/database_store.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "writers/ese/engine/header_copies.hpp"
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

Status DatabaseStore::write_header(const DatabaseHeader& header) {
  std::vector<std::byte> page(page_bytes_);
  seal_header(header, page);
  if (Status s = write_header_copies(*file_, page); !s.ok()) return s;
  const std::lock_guard lock(identity_mutex_);
  identity_ = ShelteredDatabase::of(header);
  return Ok{};
}

Status DatabaseStore::read(Pgno pgno, MutableBytes into) {
  Status done = read_summed_page(*this, pgno, into);
  if (done.ok()) done = check_page_for_editing(into, name_, pgno);
  if (!done.ok() && damage_) damage_(pgno, done.error());
  return done;
}

ShelteredDatabase DatabaseStore::identity() {
  const std::lock_guard lock(identity_mutex_);
  return identity_;
}

Status DatabaseStore::shelter_pages(Files& files) {
  auto shelter =
      PageShelter::create(files, file_->path(), page_bytes_, [this] { return file_->sync(); });
  if (!shelter.ok()) return shelter.error();
  shelter_ = std::move(shelter).value();
  return Ok{};
}

Status DatabaseStore::write(std::span<const PageToWrite> pages) {
  std::vector<SealedPage> sealed;
  for (const PageToWrite& each : pages) {
    seal_page(each.page, static_cast<std::uint32_t>(each.pgno));
    sealed.push_back({each.pgno, each.page});
  }
  const std::lock_guard lock(shelter_mutex_);
  for (std::size_t at = 0; at < sealed.size(); at += PageShelter::kPagesAtOnce) {
    const auto some =
        std::span(sealed).subspan(at, std::min(PageShelter::kPagesAtOnce, sealed.size() - at));
    if (shelter_ != nullptr) {
      if (Status s = shelter_->take(some, identity()); !s.ok()) return s;
    }
    const std::lock_guard places(places_mutex_);
    for (const SealedPage& page : some) {
      if (Status s = file_->write(offset_of(page.pgno), page.bytes); !s.ok()) return s;
    }
  }
  return Ok{};
}

Pgno DatabaseStore::last_page() const {
  const auto size = file_->size();
  const std::uint64_t pages = size.ok() ? size.value() / page_bytes_ : 0;
  const auto last = static_cast<std::uint32_t>(pages <= kHeaderPages ? 0 : pages - kHeaderPages);
  last_known_.store(last, std::memory_order_relaxed);
  return Pgno{last};
}

Status DatabaseStore::read_pages(Pgno first, MutableBytes to) const {
  const std::uint64_t end = static_cast<std::uint64_t>(first) + to.size() / page_bytes_ - 1;
  const bool known = end <= last_known_.load(std::memory_order_relaxed);
  if (first == Pgno::null || (!known && end > static_cast<std::uint64_t>(last_page()))) {
    return ese_error(EseErr::bad_page_link, page_text(*this, first) + " is past its end");
  }
  return file_->read(offset_of(first), to);
}

Status DatabaseStore::read_settled_pages(Pgno first, MutableBytes to) const {
  const std::lock_guard places(places_mutex_);
  return read_pages(first, to);
}

}  // namespace stillframe::ese
