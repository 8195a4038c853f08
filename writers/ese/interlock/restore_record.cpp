#include "writers/ese/interlock/restore_record.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "framework/base/sha256.hpp"

namespace stillframe::ese {

namespace {

constexpr std::string_view kRecordMagic = "stillframe-ese-restore ";
constexpr std::uint32_t kRecordVersion = 1;
constexpr std::string_view kSumKey = "sha256 ";
constexpr std::size_t kSumDigits = 64;
constexpr std::string_view kStateNames[kRestoreStates] = {"registered", "copied", "failed",
                                                          "recovering", "recovered"};

// ---- Writing

template <class Number>
std::string hex(Number number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return {digits.data(), end};
}

void put_line(std::string& text, std::string_view key, std::string_view value) {
  text += key;
  text += ' ';
  text += value;
  text += '\n';
}

bool fits_line(const std::string& path) {
  return !path.empty() && path.size() <= kBytePathBytesMax && path.find('\0') == std::string::npos;
}

Status check_record(const RestoreRecord& record) {
  const auto bad = [](const char* what) {
    return Error(Errc::invalid_argument, std::string("a restore record cannot have ") + what);
  };
  for (const BytePath* path : {&record.checkpoint, &record.logs, &record.set}) {
    if (!fits_line(*path)) return bad("a folder without a path, or with one that is too long");
  }
  for (const RestoredPath& each : record.databases) {
    if (!fits_line(each.logged) || !fits_line(each.file)) {
      return bad("a database without a path, or with one that is too long");
    }
  }
  if (!fits_line(record.base)) return bad("logs without a name");
  if ((record.result != 0) != (record.state == RestoreState::failed)) {
    return bad("a result, unless it failed");
  }
  for (const Generation each : {record.low, record.high}) {
    const auto number = static_cast<std::int32_t>(each);
    if (number < 0 || number > kRestoreGenerationMax) return bad("logs of such a number");
  }
  if (record.low > record.high) return bad("a first log behind the last");
  return Ok{};
}

std::string body_of(const RestoreRecord& record) {
  std::string text = std::string(kRecordMagic) + std::to_string(kRecordVersion) + "\n";
  put_line(text, "id", hex(static_cast<std::uint64_t>(record.id)));
  put_line(text, "state", name_of(record.state));
  put_line(text, "result", hex(record.result));
  put_line(text, "base", escape_path(record.base));
  put_line(text, "checkpoint", escape_path(record.checkpoint));
  put_line(text, "logs", escape_path(record.logs));
  put_line(text, "set", escape_path(record.set));
  put_line(text, "low", hex(static_cast<std::uint32_t>(record.low)));
  put_line(text, "high", hex(static_cast<std::uint32_t>(record.high)));
  for (const RestoredPath& each : record.databases) {
    put_line(text, "database", escape_path(each.logged));
    put_line(text, "restored", escape_path(each.file));
  }
  return text;
}

// ---- Reading

// Takes lines off the front; the first that is not as it has to be makes all of it bad.
class RecordLines {
 public:
  explicit RecordLines(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool good() const { return good_; }

  std::string_view value(std::string_view key) {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return fail();
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') {
      return fail();
    }
    return line.substr(key.size() + 1);
  }
  std::string path(std::string_view key) {
    auto path = unescape_path(value(key));
    if (path.ok()) return std::move(path).value();
    good_ = false;
    return {};
  }
  template <class Number>
  Number number(std::string_view key) {
    const std::string_view digits = value(key);
    Number number = 0;
    const auto [end, wrong] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (wrong != std::errc() || end != digits.data() + digits.size()) good_ = false;
    return number;
  }
  RestoreState state(std::string_view key) {
    const std::string_view name = value(key);
    for (int i = 0; i < kRestoreStates; ++i) {
      if (kStateNames[i] == name) return RestoreState{i};
    }
    good_ = false;
    return {};
  }

 private:
  std::string_view fail() {
    good_ = false;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool good_ = true;
};

RestoreRecord read_body(RecordLines& lines) {
  RestoreRecord record;
  record.id = RestoreId{lines.number<std::uint64_t>("id")};
  record.state = lines.state("state");
  record.result = lines.number<std::uint32_t>("result");
  record.base = lines.path("base");
  record.checkpoint = lines.path("checkpoint");
  record.logs = lines.path("logs");
  record.set = lines.path("set");
  record.low = Generation{lines.number<std::int32_t>("low")};
  record.high = Generation{lines.number<std::int32_t>("high")};
  while (!lines.at_end()) {
    std::string logged = lines.path("database");
    record.databases.push_back({std::move(logged), lines.path("restored")});
  }
  return record;
}

// The text without its last line; none if that is not whole.
std::optional<std::string_view> without_sum(std::string_view text) {
  const std::size_t sum_bytes = kSumKey.size() + kSumDigits + 1;
  if (text.size() < sum_bytes || text.back() != '\n') return std::nullopt;
  const std::string_view sum = text.substr(text.size() - sum_bytes);
  if (!sum.starts_with(kSumKey)) return std::nullopt;
  return text.substr(0, text.size() - sum_bytes);
}

std::optional<std::uint32_t> version_of(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::uint32_t version = 0;
  const char* const last = text.data() + end;
  const auto [at, wrong] = std::from_chars(text.data() + kRecordMagic.size(), last, version);
  if (wrong != std::errc() || at != last) return std::nullopt;
  return version;
}

}  // namespace

std::string_view name_of(RestoreState state) noexcept {
  return kStateNames[static_cast<int>(state)];
}

bool operator==(const RestoreRecord& a, const RestoreRecord& b) {
  return a.id == b.id && body_of(a) == body_of(b);
}

Result<std::string> encode_restore_record(const RestoreRecord& record) {
  if (Status s = check_record(record); !s.ok()) return s.error();
  std::string text = body_of(record);
  put_line(text, kSumKey.substr(0, kSumKey.size() - 1), sha256_hex(text));
  if (text.size() > kRestoreRecordBytesMax) {
    return Error(Errc::invalid_argument, "a restore record cannot have so many databases");
  }
  return text;
}

// Whatever a writer would not have written so is refused, so there is one text for a record.
Result<RestoreRecord> decode_restore_record(std::string_view text, std::string_view name) {
  const auto bad = [&](Errc code, const char* what) {
    return Error(code, "'" + std::string(name) + "' " + what);
  };
  const bool short_magic = text.size() < kRecordMagic.size() && kRecordMagic.starts_with(text);
  if (short_magic) return bad(Errc::truncated, "ends too early for the record of a restore");
  if (!text.starts_with(kRecordMagic)) {
    return bad(Errc::not_supported, "is no record of a restore of this engine");
  }
  if (text.size() > kRestoreRecordBytesMax) return bad(Errc::corrupt, "is longer than any record");
  const auto version = version_of(text);
  if (version && *version > kRecordVersion) {
    return bad(Errc::future_version, "is of a newer version of this engine");
  }
  const auto body = without_sum(text);
  if (!body) return bad(Errc::truncated, "ends too early for the record of a restore");
  if (version != kRecordVersion) return bad(Errc::corrupt, "has no version that there was");
  RecordLines lines(body->substr(body->find('\n') + 1));
  RestoreRecord record = read_body(lines);
  const auto again = lines.good() ? encode_restore_record(record) : Error(Errc::corrupt, "lines");
  if (!again.ok() || again.value() != text) return bad(Errc::corrupt, "is damaged");
  return record;
}

}  // namespace stillframe::ese
