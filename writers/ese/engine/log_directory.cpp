#include "writers/ese/engine/log_directory.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "framework/base/path.hpp"
#include "writers/ese/format/ese_error.hpp"

namespace stillframe::ese {

namespace {

constexpr std::size_t kZerosBytes = 256 * 1024;

Error of_log_file(const Error& cause, const BytePath& path) {
  if (cause.code() != Errc::no_space) return cause;
  return ese_error(EseErr::log_disk_full, "making log file '" + escape_path(path) + "': " +
                                              cause.what() + "; free space on its file system");
}

Result<std::vector<std::byte>> read_whole(Files& files, const BytePath& path, std::size_t most) {
  auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  std::vector<std::byte> bytes(std::min<std::uint64_t>(size.value(), most));
  if (Status s = file.value()->read(0, bytes); !s.ok()) return s.error();
  return bytes;
}

}  // namespace

LogDirectory::LogDirectory(Files& files, LogDirectoryOptions options)
    : files_(files), options_(std::move(options)) {}

BytePath LogDirectory::path_of(const std::string& name) const {
  return join_path(options_.path, name);
}

BytePath LogDirectory::current_path() const {
  return path_of(current_log_name(options_.base, options_.extensions));
}

BytePath LogDirectory::temporary_path() const {
  return path_of(temporary_log_name(options_.base, options_.extensions));
}

BytePath LogDirectory::reserve_path(int number) const {
  return path_of(reserve_log_name(options_.base, number));
}

Result<LogChain> LogDirectory::chain() const {
  auto names = files_.list(options_.path);
  if (!names.ok()) return names.error();
  std::vector<ChainLog> logs;
  for (const BytePath& name : names.value()) {
    const auto parsed = parse_log_file_name(options_.base, name);
    if (!parsed || parsed->kind == LogFileKind::checkpoint ||
        parsed->kind == LogFileKind::reserve) {
      continue;
    }
    auto bytes = read_whole(files_, path_of(name), LogHeader::kFileBytes);
    if (!bytes.ok()) return bytes.error();
    auto header = decode_log_header(bytes.value(), name);
    if (header.ok()) {
      logs.push_back({name, *parsed, std::move(header).value()});
    } else if (parsed->kind != LogFileKind::temporary) {
      return header.error();
    }
  }
  return examine_chain(std::move(logs));
}

Result<LogGeneration> LogDirectory::read(const ChainLog& log, const LogReadRules& rules) const {
  auto bytes = read_whole(files_, path_of(log.file), log.header.fields.file_bytes());
  if (!bytes.ok()) return bytes.error();
  return LogGeneration::read(std::move(bytes).value(), log.file, rules);
}

Result<LogGeneration> LogDirectory::read(const LogChain& chain, Generation generation,
                                         bool last) const {
  const ChainLog* log = chain.find(generation);
  if (log == nullptr) {
    return ese_error(EseErr::missing_log_file,
                     "'" + escape_path(options_.path) + "' has no log of generation " +
                         std::to_string(static_cast<std::int32_t>(generation)));
  }
  return read(*log, {.complete = !last});
}

Result<std::unique_ptr<File>> LogDirectory::open_current() const {
  return files_.open(current_path(), FileAccess::write);
}

// Written and not only made longer, so that the disk has the room and appending needs no metadata.
Result<std::unique_ptr<File>> LogDirectory::create_zeros(const BytePath& path,
                                                         std::uint64_t bytes) {
  auto file = files_.create(path);
  if (!file.ok()) return of_log_file(file.error(), path);
  const std::vector<std::byte> zeros(std::min<std::uint64_t>(bytes, kZerosBytes));
  Status done = Ok{};
  for (std::uint64_t at = 0; done.ok() && at < bytes; at += zeros.size()) {
    const std::size_t some = std::min<std::uint64_t>(zeros.size(), bytes - at);
    done = file.value()->write(at, Bytes(zeros).first(some));
  }
  if (done.ok()) done = file.value()->sync();
  if (done.ok()) return file;
  if (Status removed = files_.remove(path); !removed.ok()) {
    return of_log_file(done.error(), path)
        .while_doing("'" + escape_path(path) + "' could not be removed either (" +
                     removed.error().what() + ") after");
  }
  return of_log_file(done.error(), path);
}

void LogDirectory::forget_temporary() {
  // If it stays, the next prepare() removes it or says why it cannot.
  if (files_.exists(temporary_path())) (void)files_.remove(temporary_path());
}

Result<std::unique_ptr<File>> LogDirectory::prepare(std::uint64_t bytes) {
  const BytePath path = temporary_path();
  if (files_.exists(path)) {
    if (Status s = files_.remove(path); !s.ok()) return s.error();
  }
  return create_zeros(path, bytes);
}

Result<std::unique_ptr<File>> LogDirectory::prepare_from_reserve(std::uint64_t bytes) {
  for (int number = options_.reserves; number > 0; --number) {
    const BytePath path = reserve_path(number);
    if (!files_.exists(path)) continue;
    if (Status s = files_.rename(path, temporary_path()); !s.ok()) return s.error();
    auto file = files_.open(temporary_path(), FileAccess::write);
    if (!file.ok()) return file.error();
    const auto size = file.value()->size();
    if (!size.ok()) return size.error();
    if (size.value() == bytes) return file;
    if (Status s = file.value()->resize(bytes); !s.ok()) return of_log_file(s.error(), path);
    return file;
  }
  return Error(Errc::not_found, "'" + escape_path(options_.path) + "' has no reserve log left");
}

Status LogDirectory::fill_reserves(std::uint64_t bytes) {
  bool made = false;
  for (int number = 1; number <= options_.reserves; ++number) {
    if (files_.exists(reserve_path(number))) continue;
    auto file = create_zeros(reserve_path(number), bytes);
    if (!file.ok()) return file.error();
    made = true;
  }
  return made ? files_.sync_directory(options_.path) : Ok{};
}

Status LogDirectory::archive_current(Generation generation) {
  const std::string name =
      archived_log_name(options_.base, generation, options_.extensions, options_.eight_digits);
  if (files_.exists(path_of(name))) {
    return ese_error(EseErr::invalid_log_sequence,
                     "'" + escape_path(path_of(name)) +
                         "' is in the way of the log that is to be archived under this name");
  }
  if (Status s = files_.rename(current_path(), path_of(name)); !s.ok()) return s;
  return files_.sync_directory(options_.path);
}

Status LogDirectory::name_current() {
  if (Status s = files_.rename(temporary_path(), current_path()); !s.ok()) return s;
  return files_.sync_directory(options_.path);
}

Result<std::size_t> LogDirectory::remove_below(Generation generation) {
  auto names = files_.list(options_.path);
  if (!names.ok()) return names.error();
  std::vector<std::pair<Generation, BytePath>> found;
  for (const BytePath& name : names.value()) {
    const auto parsed = parse_log_file_name(options_.base, name);
    if (parsed && parsed->kind == LogFileKind::archived && parsed->generation < generation) {
      found.emplace_back(parsed->generation, name);
    }
  }
  std::sort(found.begin(), found.end());
  for (const auto& [number, name] : found) {
    if (Status s = files_.remove(path_of(name)); !s.ok()) return s.error();
  }
  if (found.empty()) return std::size_t{0};
  if (Status s = files_.sync_directory(options_.path); !s.ok()) return s.error();
  return found.size();
}

}  // namespace stillframe::ese
