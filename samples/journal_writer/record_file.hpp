// An append-only file of records that knows a torn tail from damage.
//
//   record: u32 length, u32 checksum of the payload, payload; little endian
//
// A record that ends beyond the file is a torn tail: the writer died here, and open() cuts it off.
// A whole record with a wrong checksum is damage, and open() refuses the file.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <stillframe/result.hpp>

namespace journal {

using stillframe::Result;
using stillframe::Status;

class RecordFile {
 public:
  using Visitor = std::function<void(std::string_view payload)>;

  RecordFile() = default;
  RecordFile(RecordFile&& other) noexcept;
  RecordFile& operator=(RecordFile&& other) noexcept;
  ~RecordFile();

  // Makes the file if it is missing, shows every record to `visit`, cuts off a torn tail.
  static Result<RecordFile> open(const std::string& path, const Visitor& visit);
  // The same without changing anything; a torn tail is reported as `truncated`.
  static Status scan(const std::string& path, const Visitor& visit);

  Status append(std::string_view payload);  // not durable before sync()
  Status sync();
  std::uint64_t size() const noexcept { return size_; }

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::string path_;
};

std::uint32_t checksum(std::string_view bytes) noexcept;

}  // namespace journal
