#include "writers/ese/recovery/log_files.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "framework/base/path.hpp"
#include "writers/ese/recovery/recovery_plan.hpp"

namespace stillframe::ese {

namespace {

// The largest log that its header can describe.
constexpr std::size_t kLogBytesMax = std::size_t{65535} * 4096;

Result<LogFileHeader> read_header(Files& files, const BytePath& path, const std::string& name) {
  auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  std::vector<std::byte> bytes(std::min<std::uint64_t>(size.value(), LogHeader::kFileBytes));
  if (Status read = file.value()->read(0, bytes); !read.ok()) return read.error();
  return decode_log_header(bytes, name);
}

Result<CheckpointFile> read_checkpoint(Files& files, const BytePath& path,
                                       const std::string& name) {
  const auto bytes = read_whole(files, path, kLogBytesMax);
  if (!bytes.ok()) return bytes.error();
  return decode_checkpoint_file(bytes.value(), name);
}

}  // namespace

Result<std::vector<std::byte>> read_whole(Files& files, const BytePath& path,
                                          std::size_t bytes_max) {
  auto file = files.open(path, FileAccess::read);
  if (!file.ok()) return file.error();
  const auto size = file.value()->size();
  if (!size.ok()) return size.error();
  if (size.value() > bytes_max) {
    return Error(Errc::limit_reached, "'" + escape_path(path) + "' is larger than such a file is");
  }
  std::vector<std::byte> bytes(size.value());
  if (Status read = file.value()->read(0, bytes); !read.ok()) return read.error();
  return bytes;
}

Result<LogSet> read_log_set(Files& files, const BytePath& directory, const std::string& base) {
  const auto names = files.list(directory);
  if (!names.ok()) return names.error();
  LogSet set{directory, base, {}, {}, std::nullopt};
  std::vector<ChainLog> logs;
  for (const std::string& file : names.value()) {
    const auto name = parse_log_file_name(base, file);
    if (!name || name->kind == LogFileKind::reserve) continue;
    const BytePath path = directory + "/" + file;
    if (name->kind == LogFileKind::checkpoint) {
      set.checkpoint = read_checkpoint(files, path, file);
      continue;
    }
    auto header = read_header(files, path, file);
    if (header.ok()) {
      logs.push_back({file, *name, std::move(header).value()});
    } else if (name->kind != LogFileKind::temporary) {
      set.bad.push_back({file, header.error()});  // one in preparation may well have none yet
    }
  }
  set.chain = examine_chain(std::move(logs));
  return set;
}

Result<LogSet> read_restored_logs(Files& files, const RestoredLogs& from, const std::string& base) {
  LogSet all{"", base, {}, {}, std::nullopt};
  std::vector<ChainLog> logs;
  const auto add = [&](const BytePath& directory, auto&& wanted) -> Status {
    auto set = read_log_set(files, directory, base);
    if (!set.ok()) return set.error();
    for (ChainLog& log : set.value().chain.logs) {
      if (!wanted(log)) continue;
      log.file = directory + "/" + log.file;
      logs.push_back(std::move(log));
    }
    return Ok{};
  };
  const bool together = from.further == from.set;
  Status read = add(from.set, [&](const ChainLog& log) {
    const bool further = together && log.generation() > from.high;
    return log.generation() >= from.low && (log.generation() <= from.high || further);
  });
  if (read.ok() && !together && !from.further.empty()) {
    read = add(from.further, [&](const ChainLog& log) {
      const bool beyond =
          from.further_last != Generation::none && log.generation() > from.further_last;
      return log.generation() > from.high && !beyond;
    });
  }
  if (!read.ok()) return read.error();
  all.chain = examine_chain(std::move(logs));
  return all;
}

std::optional<Result<CheckpointFile>> read_checkpoint_of(Files& files, const BytePath& directory,
                                                         const std::string& base) {
  const auto names = files.list(directory);
  if (!names.ok()) return Result<CheckpointFile>(names.error());
  for (const std::string& file : names.value()) {
    const auto name = parse_log_file_name(base, file);
    if (!name || name->kind != LogFileKind::checkpoint) continue;
    return read_checkpoint(files, directory + "/" + file, file);
  }
  return std::nullopt;
}

Result<std::map<Generation, BytePath>> archived_logs(Files& files, const BytePath& directory,
                                                     const std::string& base) {
  const auto names = files.list(directory);
  if (!names.ok()) return names.error();
  std::map<Generation, BytePath> logs;
  for (const BytePath& name : names.value()) {
    const auto parsed = parse_log_file_name(base, name);
    if (!parsed || parsed->kind != LogFileKind::archived) continue;
    logs.emplace(parsed->generation, join_path(directory, name));
  }
  return logs;
}

std::string hexadecimal(Generation generation) {
  char text[16];
  std::snprintf(text, sizeof text, "%X", static_cast<unsigned>(generation));
  return text;
}

Result<LogGeneration> read_generation(Files& files, const LogSet& set, Generation generation,
                                      bool last) {
  const ChainLog* log = set.chain.find(generation);
  if (log == nullptr) {
    return ese_error(EseErr::missing_log_file, "generation " + hexadecimal(generation) +
                                                   " of the logs of '" + set.base + "' in '" +
                                                   escape_path(set.directory) +
                                                   "' is not there; put it back from a backup");
  }
  const BytePath path = set.directory.empty() ? log->file : set.directory + "/" + log->file;
  auto bytes = read_whole(files, path, kLogBytesMax);
  if (!bytes.ok()) return bytes.error();
  return LogGeneration::read(std::move(bytes).value(), log->file, {.complete = !last});
}

}  // namespace stillframe::ese
