// The pages of one database in its file, for the page cache, and for whoever reads them past it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <stillframe/result.hpp>

#include "writers/ese/engine/files.hpp"
#include "writers/ese/engine/page_cache.hpp"
#include "writers/ese/format/page_source.hpp"

namespace stillframe::ese {

class DatabaseStore final : public PageStore, public PageSource {
 public:
  // `file` is opened for writing; its first two pages are the headers, which are not touched here.
  DatabaseStore(std::unique_ptr<File> file, std::size_t page_bytes);

  // What has to be durable before the page may be written, beyond the log up to its last change.
  void before_write(std::function<Status(Pgno pgno, Bytes page)> hook) { hook_ = std::move(hook); }

  // Makes the file long enough for pages up to `last`; the new ones are zeros.
  Status grow(Pgno last);
  Status sync() { return file_->sync(); }

  Status read(Pgno pgno, MutableBytes into) override;
  Status write(Pgno pgno, MutableBytes page) override;

  std::string_view name() const override { return name_; }
  std::size_t page_bytes() const override { return page_bytes_; }
  Pgno last_page() const override;
  Status read_pages(Pgno first, MutableBytes to) const override;

 private:
  std::uint64_t offset_of(Pgno pgno) const;

  const std::unique_ptr<File> file_;
  const std::size_t page_bytes_;
  const std::string name_;
  std::function<Status(Pgno, Bytes)> hook_;
};

}  // namespace stillframe::ese
