#include "framework/providers/guard/held_record.hpp"

#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stillframe/descriptor.hpp>

#include "framework/base/posix_error.hpp"

namespace stillframe::guard {

namespace {

constexpr std::string_view kHeader = "stillframe-held 1";

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_pair(std::string_view text, char between, auto& first, auto& second) {
  const auto at = text.find(between);
  return at != std::string_view::npos && read_number(text.substr(0, at), first) &&
         read_number(text.substr(at + 1), second);
}

bool read_file_system(std::string_view text, HeldFileSystem& out) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return false;
  if (!read_pair(text.substr(0, blank), ':', out.id.major, out.id.minor)) return false;
  auto path = unescape_path(text.substr(blank + 1));
  if (!path.ok() || path.value().empty()) return false;
  out.mount_point = std::move(path).value();
  return true;
}

bool read_fact(std::string_view name, std::string_view value, HeldRecord& record) {
  if (name == "boot") {
    record.boot_id = value;
    return !value.empty();
  }
  if (name == "client") return read_pair(value, ' ', record.client.pid, record.client.start_ticks);
  if (name == "keeper") return read_pair(value, ' ', record.keeper.pid, record.keeper.start_ticks);
  if (name == "holder") return read_pair(value, ' ', record.holder.pid, record.holder.start_ticks);
  if (name == "lease_ms") {
    std::int64_t ms = 0;
    if (!read_number(value, ms) || ms < 0) return false;
    record.lease = std::chrono::milliseconds(ms);
    return true;
  }
  if (name == "fs") return read_file_system(value, record.file_systems.emplace_back());
  return false;
}

// State and start time are the 3rd and 22nd field of /proc/PID/stat; the 2nd may hold anything,
// also blanks and parentheses.
bool read_stat(std::int32_t pid, char& state, std::uint64_t& start_ticks) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  // Not by an iterator, which throws when the process ends between open and read. A name with a
  // newline cuts the line: then the rest is still there to be read.
  for (std::string line; std::getline(in, line);) text += line + "\n";
  const auto close = text.rfind(')');
  if (close == std::string::npos) return false;
  std::istringstream fields(text.substr(close + 1));
  fields >> state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  fields >> start_ticks;
  return static_cast<bool>(fields);
}

}  // namespace

ProcessRef process_ref(std::int32_t pid) {
  ProcessRef process{pid, 0};
  char state = 0;
  read_stat(pid, state, process.start_ticks);
  return process;
}

bool is_running(const ProcessRef& process) {
  char state = 0;
  std::uint64_t start_ticks = 0;
  return process.pid > 0 && read_stat(process.pid, state, start_ticks) &&
         start_ticks == process.start_ticks && state != 'Z' && state != 'X';
}

std::string this_boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

std::string to_text(const HeldRecord& record) {
  const auto process = [](const char* name, const ProcessRef& p) {
    return std::string(name) + " " + std::to_string(p.pid) + " " + std::to_string(p.start_ticks) +
           "\n";
  };
  std::string text = std::string(kHeader) + "\nboot " + record.boot_id + "\n" +
                     process("client", record.client) + process("keeper", record.keeper) +
                     process("holder", record.holder) + "lease_ms " +
                     std::to_string(record.lease.count()) + "\n";
  for (const HeldFileSystem& fs : record.file_systems) {
    text += "fs " + fs.id.to_string() + " " + escape_path(fs.mount_point) + "\n";
  }
  return text + "end\n";
}

Result<HeldRecord> parse_held_record(std::string_view text) {
  HeldRecord record;
  bool first = true;
  while (!text.empty()) {
    const auto newline = text.find('\n');
    if (newline == std::string_view::npos) break;
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline + 1);
    if (first) {
      if (line != kHeader) {
        return Error(Errc::future_version, "a record of held file systems begins with '" +
                                               escape_path(line) + "' instead of '" +
                                               std::string(kHeader) + "'");
      }
      first = false;
      continue;
    }
    if (line == "end") {
      if (!text.empty()) return Error(Errc::corrupt, "a record of held file systems has a tail");
      if (record.boot_id.empty()) {
        return Error(Errc::corrupt, "a record of held file systems does not name its boot");
      }
      return record;
    }
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos ||
        !read_fact(line.substr(0, blank), line.substr(blank + 1), record)) {
      return Error(Errc::corrupt,
                   "a record of held file systems has the line '" + escape_path(line) + "'");
    }
  }
  return Error(Errc::truncated, "a record of held file systems has no end");
}

Result<BytePath> write_held_record(const BytePath& directory, const HeldRecord& record) {
  // Parents too: /run/stillframe need not be there yet.
  for (auto slash = directory.find('/', 1); slash != BytePath::npos;
       slash = directory.find('/', slash + 1)) {
    ::mkdir(directory.substr(0, slash).c_str(), 0755);
  }
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return posix_error(errno, "make the directory", directory);
  }
  const BytePath path = directory + "/" + std::to_string(record.keeper.pid) + "-" +
                        std::to_string(record.keeper.start_ticks);
  const BytePath half = directory + "/." + std::to_string(record.keeper.pid);
  const Descriptor file(::open(half.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
  if (!file.valid()) return posix_error(errno, "create", half);
  const std::string text = to_text(record);
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    const int reason = written < 0 ? errno : ENOSPC;
    ::unlink(half.c_str());
    return posix_error(reason, "write", half);
  }
  if (::rename(half.c_str(), path.c_str()) != 0) return posix_error(errno, "rename", half);
  return path;
}

}  // namespace stillframe::guard
