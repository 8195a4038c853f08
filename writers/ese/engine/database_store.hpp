// The pages of one database in its file, for the page cache, and for whoever reads them past it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/engine/page_shelter.hpp"
#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/page_source.hpp"

namespace stillframe::ese {

class DatabaseStore final : public PageStore, public PageSource {
 public:
  // `file` is opened for writing; its first two pages are the headers.
  DatabaseStore(std::unique_ptr<File> file, std::size_t page_bytes);

  // Who answers before_write().
  using BeforeWrite = std::function<Result<std::optional<Lgpos>>(Pgno pgno, Bytes page)>;
  void ask_before_write(BeforeWrite hook) { hook_ = std::move(hook); }

  // Who is told of pages that are not what was written; any thread.
  using OnDamage = std::function<void(Pgno pgno, const Error& error)>;
  void on_damage(OnDamage hook) { damage_ = std::move(hook); }

  // From here on every page is whole after a crash: see page_shelter.hpp. Before the first write.
  Status shelter_pages(Files& files);

  // Makes the file long enough for pages up to `last`; the new ones are zeros.
  Status grow(Pgno last);
  Status sync() { return file_->sync(); }
  // Both copies; see header_copies.hpp for what a crash leaves of them.
  Status write_header(const DatabaseHeader& header);

  Status read(Pgno pgno, MutableBytes into) override;
  Result<std::optional<Lgpos>> before_write(Pgno pgno, Bytes page) override {
    return hook_ ? hook_(pgno, page) : std::optional<Lgpos>();
  }
  Status write(std::span<const PageToWrite> pages) override;

  std::string_view name() const override { return name_; }
  std::size_t page_bytes() const override { return page_bytes_; }
  Pgno last_page() const override;
  Status read_pages(Pgno first, MutableBytes to) const override;
  // The same, and no page of it is half written: what is being written waits, or is waited for.
  Status read_settled_pages(Pgno first, MutableBytes to) const;

 private:
  std::uint64_t offset_of(Pgno pgno) const;
  ShelteredDatabase identity();

  const std::unique_ptr<File> file_;
  const std::size_t page_bytes_;
  const std::string name_;
  BeforeWrite hook_;
  OnDamage damage_;
  // A page that the file has, so that not every read asks how long it is: it only gets longer.
  mutable std::atomic<std::uint32_t> last_known_{0};
  std::mutex shelter_mutex_;  // until what is sheltered is written to its place
  std::unique_ptr<PageShelter> shelter_;
  std::mutex identity_mutex_;
  ShelteredDatabase identity_;       // what the header in the file says
  mutable std::mutex places_mutex_;  // while pages are being written to their places
};

}  // namespace stillframe::ese
