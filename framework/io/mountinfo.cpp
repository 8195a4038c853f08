#include "framework/io/mountinfo.hpp"

#include <charconv>
#include <optional>

#include "framework/io/file.hpp"

namespace stillframe {
namespace {

constexpr std::size_t kTableBytesMax = std::size_t{64} << 20;

// The next field up to a space; runs of spaces do not occur in the kernel's text, so an empty field
// is a broken line.
std::optional<std::string_view> take_field(std::string_view& line) {
  const auto space = line.find(' ');
  const auto field = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  if (field.empty()) return std::nullopt;
  return field;
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  return failed == std::errc() && stop == end;
}

bool parse_device(std::string_view text, MountEntry& entry) {
  const auto colon = text.find(':');
  return colon != std::string_view::npos && parse_number(text.substr(0, colon), entry.major) &&
         parse_number(text.substr(colon + 1), entry.minor);
}

bool parse_head(std::string_view& line, MountEntry& entry) {
  const auto id = take_field(line), parent = take_field(line), device = take_field(line);
  const auto root = take_field(line), point = take_field(line), options = take_field(line);
  if (!id || !parent || !device || !root || !point || !options) return false;
  if (!parse_number(*id, entry.id) || !parse_number(*parent, entry.parent)) return false;
  if (!parse_device(*device, entry)) return false;
  entry.root = unescape_mountinfo(*root);
  entry.mount_point = unescape_mountinfo(*point);
  entry.options = *options;
  return true;
}

bool parse_tail(std::string_view line, MountEntry& entry) {
  const auto type = take_field(line);
  if (!type) return false;
  entry.fs_type = unescape_mountinfo(*type);
  // The source can be empty (mount -t tmpfs "" /x): then two spaces follow each other.
  entry.source = unescape_mountinfo(take_field(line).value_or(""));
  const auto super_options = take_field(line);
  if (!super_options || !line.empty()) return false;
  entry.super_options = *super_options;
  return true;
}

bool parse_line(std::string_view line, MountEntry& entry) {
  if (!parse_head(line, entry)) return false;
  for (;;) {  // optional fields, as many as there are
    const auto field = take_field(line);
    if (!field) return false;
    if (*field == "-") return parse_tail(line, entry);
  }
}

int octal_digit(char c) {
  return c >= '0' && c <= '7' ? c - '0' : -1;
}

}  // namespace

bool MountEntry::read_only() const {
  return has_mount_option(options, "ro") || has_mount_option(super_options, "ro");
}

BytePath unescape_mountinfo(std::string_view text) {
  BytePath bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool room = text[i] == '\\' && i + 3 < text.size();
    const int a = room ? octal_digit(text[i + 1]) : -1, b = room ? octal_digit(text[i + 2]) : -1,
              c = room ? octal_digit(text[i + 3]) : -1;
    if (a < 0 || a > 3 || b < 0 || c < 0) {
      bytes += text[i];
      continue;
    }
    bytes += static_cast<char>(a * 64 + b * 8 + c);
    i += 3;
  }
  return bytes;
}

bool has_mount_option(std::string_view options, std::string_view name) {
  while (!options.empty()) {
    const auto comma = options.find(',');
    const auto option = options.substr(0, comma);
    if (option.substr(0, option.find('=')) == name) return true;
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return false;
}

Result<std::vector<MountEntry>> parse_mountinfo(std::string_view text) {
  std::vector<MountEntry> entries;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    MountEntry entry;
    if (!parse_line(line, entry)) {
      return Error(Errc::corrupt, "mountinfo line " + std::to_string(number) + " ('" +
                                      escape_path(line.substr(0, 200)) +
                                      "') does not have the documented form");
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<MountEntry>> read_mountinfo(const BytePath& table) {
  auto text = read_file(table, kTableBytesMax);
  if (!text.ok()) return text.error().while_doing("read the table of mounts");
  return parse_mountinfo(text.value());
}

}  // namespace stillframe
