#include "samples/journal_writer/record_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace journal {

using stillframe::Errc;
using stillframe::Error;
using stillframe::Ok;

namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::uint32_t kPayloadBytesMax = 1u << 20;

Error failed(const char* doing, const std::string& path) {
  return {Errc::io, std::string("cannot ") + doing + " '" + path + "': " + std::strerror(errno)};
}

std::uint32_t read_u32(const char* at) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

void put_u32(std::string& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

Result<std::string> read_all(int fd, const std::string& path) {
  std::string bytes;
  char buffer[65536];
  while (true) {
    const ssize_t got = pread(fd, buffer, sizeof buffer, static_cast<off_t>(bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

// How many bytes are whole, good records.
Result<std::size_t> visit_records(std::string_view bytes, const std::string& path,
                                  const RecordFile::Visitor& visit) {
  std::size_t at = 0;
  while (bytes.size() - at >= kHeaderBytes) {
    const std::uint32_t length = read_u32(bytes.data() + at);
    if (length > kPayloadBytesMax) {
      return Error(Errc::corrupt, "'" + path + "': record at byte " + std::to_string(at) +
                                      " claims " + std::to_string(length) + " bytes");
    }
    if (bytes.size() - at - kHeaderBytes < length) break;
    const std::string_view payload = bytes.substr(at + kHeaderBytes, length);
    if (checksum(payload) != read_u32(bytes.data() + at + 4)) {
      return Error(Errc::corrupt, "'" + path + "': record at byte " + std::to_string(at) +
                                      " has a wrong checksum; restore the file from a backup");
    }
    if (visit) visit(payload);
    at += kHeaderBytes + length;
  }
  return at;
}

}  // namespace

// FNV-1a: a sample's checksum, good enough against torn and flipped bytes.
std::uint32_t checksum(std::string_view bytes) noexcept {
  std::uint32_t hash = 2166136261u;
  for (unsigned char byte : bytes) hash = (hash ^ byte) * 16777619u;
  return hash;
}

RecordFile::RecordFile(RecordFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), size_(other.size_), path_(std::move(other.path_)) {}

RecordFile& RecordFile::operator=(RecordFile&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
    size_ = other.size_;
    path_ = std::move(other.path_);
  }
  return *this;
}

RecordFile::~RecordFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<RecordFile> RecordFile::open(const std::string& path, const Visitor& visit) {
  RecordFile file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file.fd_ < 0) return failed("open", path);
  auto bytes = read_all(file.fd_, path);
  if (!bytes.ok()) return bytes.error();
  auto good = visit_records(bytes.value(), path, visit);
  if (!good.ok()) return good.error();
  if (good.value() < bytes.value().size() &&
      (ftruncate(file.fd_, static_cast<off_t>(good.value())) != 0 || fsync(file.fd_) != 0)) {
    return failed("cut the torn tail off", path);
  }
  file.size_ = good.value();
  return file;
}

Status RecordFile::scan(const std::string& path, const Visitor& visit) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return failed("open", path);
  auto bytes = read_all(fd, path);
  ::close(fd);
  if (!bytes.ok()) return bytes.error();
  auto good = visit_records(bytes.value(), path, visit);
  if (!good.ok()) return good.error();
  if (good.value() != bytes.value().size()) {
    return Error(Errc::truncated, "'" + path + "' ends in the middle of a record");
  }
  return Ok{};
}

Status RecordFile::append(std::string_view payload) {
  std::string record;
  put_u32(record, static_cast<std::uint32_t>(payload.size()));
  put_u32(record, checksum(payload));
  record += payload;
  std::size_t done = 0;
  while (done < record.size()) {
    const ssize_t wrote =
        pwrite(fd_, record.data() + done, record.size() - done, static_cast<off_t>(size_ + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed("append to", path_);
    done += static_cast<std::size_t>(wrote);
  }
  size_ += record.size();
  return Ok{};
}

Status RecordFile::sync() {
  if (fdatasync(fd_) != 0) return failed("sync", path_);
  return Ok{};
}

}  // namespace journal
