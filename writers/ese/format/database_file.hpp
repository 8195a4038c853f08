// A database file, opened to be read. Nothing of it is changed, not even a stale second header.
#pragma once

#include <memory>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>

#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/page_source.hpp"

namespace stillframe::ese {

class DatabaseFile final : public PageSource {
 public:
  static Result<std::unique_ptr<DatabaseFile>> open(const BytePath& path);

  const DatabaseHeader& header() const { return found_.header; }
  HeaderCopies header_copies() const { return found_.copies; }
  std::uint64_t file_bytes() const { return file_bytes_; }
  // Bytes behind the last whole page: the file was cut, or never was one.
  std::uint64_t bytes_left_over() const;

  std::string_view name() const override { return name_; }
  std::size_t page_bytes() const override { return found_.header.page_size(); }
  Pgno last_page() const override;
  Status read_pages(Pgno first, MutableBytes to) const override;

 private:
  DatabaseFile(Descriptor file, std::string name, std::uint64_t file_bytes, HeaderFound found)
      : file_(std::move(file)), name_(std::move(name)), file_bytes_(file_bytes), found_(found) {}

  Descriptor file_;
  std::string name_;
  std::uint64_t file_bytes_;
  HeaderFound found_;
};

}  // namespace stillframe::ese
