#include "writers/ese/format/log_set.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "framework/io/file.hpp"

namespace stillframe::ese {

namespace {

// The largest log that its header can describe.
constexpr std::size_t kLogBytesMax = std::size_t{65535} * 4096;

Result<std::vector<std::string>> file_names(const BytePath& directory) {
  std::error_code failed;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(directory, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    names.push_back(entry->path().filename());
  }
  if (failed) {
    const bool absent = failed == std::errc::no_such_file_or_directory;
    return Error(absent ? Errc::not_found : Errc::io,
                 "listing '" + escape_path(directory) + "': " + failed.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

Result<LogFileHeader> read_header(const BytePath& path, const std::string& name) {
  auto file = open_file(path, O_RDONLY);
  if (!file.ok()) return file.error();
  std::string bytes(LogHeader::kFileBytes, '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = ::read(file.value().get(), bytes.data() + got, bytes.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error(Errc::io, "reading '" + escape_path(path) + "' failed");
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  return decode_log_header(bytes_of(bytes), name);
}

Result<CheckpointFile> read_checkpoint(const BytePath& path, const std::string& name) {
  auto bytes = read_file(path, kLogBytesMax);
  if (!bytes.ok()) return bytes.error();
  return decode_checkpoint_file(bytes_of(bytes.value()), name);
}

}  // namespace

Result<std::vector<std::string>> log_bases(const BytePath& directory) {
  auto names = file_names(directory);
  if (!names.ok()) return names.error();
  std::vector<std::string> bases;
  for (const std::string& name : names.value()) {
    const auto base = log_base_of(name);
    if (base && std::find(bases.begin(), bases.end(), *base) == bases.end()) {
      bases.push_back(*base);
    }
  }
  return bases;
}

Result<LogSet> list_log_set(const BytePath& directory, const std::string& base) {
  auto names = file_names(directory);
  if (!names.ok()) return names.error();
  LogSet set{directory, base, {}, {}, std::nullopt};
  std::vector<ChainLog> logs;
  for (const std::string& file : names.value()) {
    const auto name = parse_log_file_name(base, file);
    if (!name || name->kind == LogFileKind::reserve) continue;
    const BytePath path = directory + "/" + file;
    if (name->kind == LogFileKind::checkpoint) {
      set.checkpoint = read_checkpoint(path, file);
      continue;
    }
    auto header = read_header(path, file);
    if (header.ok()) {
      logs.push_back({file, *name, std::move(header).value()});
    } else if (name->kind != LogFileKind::temporary) {
      set.bad.push_back({file, header.error()});  // one in preparation may well have none yet
    }
  }
  set.chain = examine_chain(std::move(logs));
  return set;
}

Result<LogGeneration> LogSet::open(Generation generation, bool last) const {
  const ChainLog* log = chain.find(generation);
  if (log == nullptr) {
    return ese_error(EseErr::missing_log_file,
                     "a log of '" + base + "' in '" + escape_path(directory) + "' is not there");
  }
  auto text = read_file(directory + "/" + log->file, kLogBytesMax);
  if (!text.ok()) return text.error();
  const Bytes bytes = bytes_of(text.value());
  return LogGeneration::read({bytes.begin(), bytes.end()}, log->file, {.complete = !last});
}

}  // namespace stillframe::ese
