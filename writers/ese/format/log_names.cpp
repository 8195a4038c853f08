#include "writers/ese/format/log_names.hpp"

#include <cstdint>

namespace stillframe::ese {

namespace {

constexpr std::size_t kBaseCharacters = 3;
constexpr int kShortDigits = 5;
constexpr int kLongDigits = 8;
constexpr std::int32_t kShortGenerationMax = 0xFFFFF;

// Names are ASCII; a locale must not change which file is a log.
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

std::string_view log_suffix(LogExtensions extensions) {
  return extensions == LogExtensions::log_chk ? ".log" : ".jtx";
}

std::string_view checkpoint_suffix(LogExtensions extensions) {
  return extensions == LogExtensions::log_chk ? ".chk" : ".jcp";
}

bool take_suffix(std::string_view& name, std::string_view suffix) {
  if (name.size() < suffix.size() || name.substr(name.size() - suffix.size()) != suffix) {
    return false;
  }
  name.remove_suffix(suffix.size());
  return true;
}

// `digits` is lower-case. Neither 0 nor a number beyond the signed 32 bits is a generation.
std::optional<Generation> parse_generation(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c >= '0' && c <= '9') {
      value = value << 4 | static_cast<std::uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value << 4 | static_cast<std::uint64_t>(c - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  if (value == 0 || value > INT32_MAX) return std::nullopt;
  return Generation{static_cast<std::int32_t>(value)};
}

// `middle` is what stands between the base name and the suffix of a log.
std::optional<LogFileName> parse_log(std::string_view middle, LogExtensions extensions) {
  if (middle.empty()) return LogFileName{LogFileKind::current, extensions};
  if (middle == "tmp") return LogFileName{LogFileKind::temporary, extensions};
  if (middle.size() != kShortDigits && middle.size() != kLongDigits) return std::nullopt;
  const auto generation = parse_generation(middle);
  if (!generation) return std::nullopt;
  return LogFileName{LogFileKind::archived, extensions, *generation,
                     static_cast<int>(middle.size())};
}

bool is_reserve(std::string_view middle) {
  return middle.size() == 8 && middle.substr(0, 3) == "res" && parse_generation(middle.substr(3));
}

std::string hexadecimal(std::uint32_t value, int digits) {
  std::string text(static_cast<std::size_t>(digits), '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, value >>= 4) {
    *digit = "0123456789ABCDEF"[value & 15];
  }
  return text;
}

}  // namespace

std::optional<LogFileName> parse_log_file_name(std::string_view base, std::string_view file) {
  const std::string name = lowered(file);
  if (name == "res1.log" || name == "res2.log") return LogFileName{LogFileKind::reserve};
  std::string_view rest = name;
  if (!rest.starts_with(lowered(base))) return std::nullopt;
  rest.remove_prefix(base.size());
  for (const LogExtensions extensions : {LogExtensions::log_chk, LogExtensions::jtx_jcp}) {
    std::string_view middle = rest;
    if (take_suffix(middle, log_suffix(extensions))) return parse_log(middle, extensions);
    if (take_suffix(middle, checkpoint_suffix(extensions)) && middle.empty()) {
      return LogFileName{LogFileKind::checkpoint, extensions};
    }
  }
  if (take_suffix(rest, ".jrs") && is_reserve(rest)) return LogFileName{LogFileKind::reserve};
  return std::nullopt;
}

std::optional<std::string> log_base_of(std::string_view file) {
  if (file.size() <= kBaseCharacters) return std::nullopt;
  const std::string_view base = file.substr(0, kBaseCharacters);
  const auto name = parse_log_file_name(base, file);
  if (!name) return std::nullopt;
  const bool names_it = name->kind == LogFileKind::current || name->kind == LogFileKind::checkpoint;
  return names_it ? std::optional<std::string>(base) : std::nullopt;
}

std::string current_log_name(std::string_view base, LogExtensions extensions) {
  return std::string(base).append(log_suffix(extensions));
}

std::string temporary_log_name(std::string_view base, LogExtensions extensions) {
  return std::string(base).append("tmp").append(log_suffix(extensions));
}

std::string checkpoint_name(std::string_view base, LogExtensions extensions) {
  return std::string(base).append(checkpoint_suffix(extensions));
}

std::string reserve_log_name(std::string_view base, int number) {
  const auto value = static_cast<std::uint32_t>(number);
  return std::string(base).append("res").append(hexadecimal(value, kShortDigits)).append(".jrs");
}

std::string archived_log_name(std::string_view base, Generation generation,
                              LogExtensions extensions, bool eight_digits) {
  const auto number = static_cast<std::int32_t>(generation);
  const bool eight = eight_digits || number > kShortGenerationMax;
  return std::string(base)
      .append(hexadecimal(static_cast<std::uint32_t>(number), eight ? kLongDigits : kShortDigits))
      .append(log_suffix(extensions));
}

}  // namespace stillframe::ese
