#include "requestor/store/copy_file.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>

#include <sys/stat.h>
#include <unistd.h>

#include "framework/base/posix_error.hpp"
#include "framework/base/sha256.hpp"
#include "framework/io/file.hpp"

namespace stillframe::requestor {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

Error cancelled(const BytePath& name) {
  return {Errc::cancelled, "copying '" + escape_path(name) + "' was cancelled"};
}

}  // namespace

class ContentSink::Impl {
 public:
  explicit Impl(const CopyRequest& request) : request_(request) {}

  Status data(std::span<const std::byte> bytes, std::uint64_t offset) {
    if (Status s = account(bytes); !s.ok()) return s;
    if (Status s = write_at(bytes, offset); !s.ok()) return s;
    copied_ += bytes.size();
    return Ok{};
  }

  Status hole(std::uint64_t length) {
    static const std::vector<std::byte> zeros(kBufferBytes);
    while (length > 0) {
      const std::size_t piece = std::min<std::uint64_t>(length, zeros.size());
      if (Status s = account(std::span(zeros).first(piece)); !s.ok()) return s;
      length -= piece;
    }
    return Ok{};
  }

  Result<std::string> finish() {
    if (request_.verifier != nullptr) {
      if (Status s = request_.verifier->finish(); !s.ok()) return damaged(s.error());
    }
    const Sha256Digest digest = hash_.finish();
    return to_hex(digest);
  }

  std::uint64_t copied() const { return copied_; }

 private:
  Status account(std::span<const std::byte> bytes) {
    hash_.update(bytes);
    if (request_.verifier != nullptr) {
      if (Status s = request_.verifier->feed(bytes); !s.ok()) return damaged(s.error());
    }
    if (request_.observer && !request_.observer(bytes.size())) return cancelled(request_.name);
    return Ok{};
  }

  Status write_at(std::span<const std::byte> bytes, std::uint64_t offset) const {
    if (request_.destination < 0) return Ok{};
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return write_all_at(request_.destination, text, offset, request_.name);
  }

  Error damaged(const Error& why) const {
    return why.while_doing("verifying '" + escape_path(request_.name) + "'");
  }

  const CopyRequest& request_;
  Sha256 hash_;
  std::uint64_t copied_ = 0;
};

ContentSink::ContentSink(const CopyRequest& request) : impl_(std::make_unique<Impl>(request)) {}
ContentSink::~ContentSink() = default;

Status ContentSink::data(std::span<const std::byte> bytes, std::uint64_t offset) {
  return impl_->data(bytes, offset);
}

Status ContentSink::hole(std::uint64_t length) {
  return impl_->hole(length);
}

Result<std::string> ContentSink::finish() {
  return impl_->finish();
}

std::uint64_t ContentSink::copied() const noexcept {
  return impl_->copied();
}

namespace {

Status copy_range(const CopyRequest& request, ContentSink& sink, std::span<std::byte> buffer,
                  ByteRange range) {
  while (range.length > 0) {
    const std::size_t want = std::min<std::uint64_t>(buffer.size(), range.length);
    const ssize_t got =
        pread(request.source, buffer.data(), want, static_cast<off_t>(range.offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return posix_error(errno, "read", request.name);
    if (got == 0) {
      return Error(Errc::truncated, "'" + escape_path(request.name) + "' ends at byte " +
                                        std::to_string(range.offset) +
                                        ": it became shorter while it was read");
    }
    const auto piece = buffer.first(static_cast<std::size_t>(got));
    if (Status s = sink.data(piece, range.offset); !s.ok()) return s;
    range.offset += piece.size();
    range.length -= piece.size();
  }
  return Ok{};
}

}  // namespace

Result<std::vector<ByteRange>> find_extents(int fd, std::uint64_t size, const BytePath& name) {
  std::vector<ByteRange> extents;
  std::uint64_t at = 0;
  while (at < size) {
    const off_t data = lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // nothing but a hole until the end
    if (data < 0 && errno == EINVAL) return std::vector<ByteRange>{{0, size}};
    if (data < 0) return posix_error(errno, "find data in", name);
    off_t hole = lseek(fd, data, SEEK_HOLE);
    if (hole < 0) return posix_error(errno, "find holes in", name);
    const std::uint64_t begin = std::min(static_cast<std::uint64_t>(data), size);
    const std::uint64_t end = std::min(static_cast<std::uint64_t>(hole), size);
    if (end <= begin) break;
    extents.push_back({begin, end - begin});
    at = end;
  }
  return extents;
}

namespace {

Status copy_whole(const CopyRequest& request, ContentSink& sink, std::span<std::byte> buffer,
                  CopyOutcome& outcome) {
  auto extents = find_extents(request.source, outcome.size, request.name);
  if (!extents.ok()) return extents.error();
  std::uint64_t at = 0;
  for (const ByteRange& extent : extents.value()) {
    if (Status s = sink.hole(extent.offset - at); !s.ok()) return s;
    if (Status s = copy_range(request, sink, buffer, extent); !s.ok()) return s;
    at = extent.offset + extent.length;
  }
  if (Status s = sink.hole(outcome.size - at); !s.ok()) return s;
  const bool whole = extents.value().size() == 1 && extents.value()[0].length == outcome.size;
  if (!whole && outcome.size > 0) outcome.extents = std::move(extents).value();
  return Ok{};
}

Result<CopyOutcome> finish(const CopyRequest& request, ContentSink& sink, CopyOutcome outcome) {
  auto digest = sink.finish();
  if (!digest.ok()) return digest.error();
  outcome.sha256 = std::move(digest).value();
  outcome.copied = sink.copied();
  // A hole at the end leaves the copy short.
  if (request.destination >= 0 && request.ranges == nullptr &&
      ftruncate(request.destination, static_cast<off_t>(outcome.size)) != 0) {
    return posix_error(errno, "set the size of", request.name);
  }
  return outcome;
}

}  // namespace

Result<CopyOutcome> copy_file(const CopyRequest& request) {
  struct stat info {};
  if (fstat(request.source, &info) != 0) return posix_error(errno, "stat", request.name);
  if (!S_ISREG(info.st_mode)) {
    return Error(Errc::invalid_argument,
                 "'" + escape_path(request.name) + "' is not a regular file");
  }
  CopyOutcome outcome;
  outcome.size = static_cast<std::uint64_t>(info.st_size);
  ContentSink sink(request);
  std::vector<std::byte> buffer(
      std::max<std::uint64_t>(1, std::min<std::uint64_t>(kBufferBytes, outcome.size)));
  if (request.ranges == nullptr) {
    if (Status s = copy_whole(request, sink, buffer, outcome); !s.ok()) return s.error();
  } else {
    for (const ByteRange& range : *request.ranges) {
      if (Status s = copy_range(request, sink, buffer, range); !s.ok()) return s.error();
    }
  }
  return finish(request, sink, std::move(outcome));
}

}  // namespace stillframe::requestor
