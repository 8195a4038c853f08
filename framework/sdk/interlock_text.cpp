#include <nlohmann/json.hpp>

#include "framework/model/json_codec.hpp"
#include "framework/sdk/interlock_file.hpp"

namespace stillframe {
namespace {

using nlohmann::json;

constexpr std::uint32_t kMajor = 1;
constexpr const char* kFormat = "stillframe-interlock";

// What the record is about must be consistent in itself, before a write and after a read.
Status validate(const InterlockRecord& record) {
  const bool failed = record.state == InterlockRecord::State::failed;
  if (record.session.is_nil()) return Error(Errc::corrupt, "session is nil");
  if (!failed && !record.failure.empty()) {
    return Error(Errc::corrupt, "failure is set in a state that is not failed");
  }
  return Ok{};
}

}  // namespace

std::string write_interlock_text(const InterlockRecord& record) {
  json root = encode_json(record);
  root["format"] = kFormat;
  root["version"] = json{{"major", kMajor}, {"minor", 0}};
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<InterlockRecord> parse_interlock_text(std::string_view text) {
  auto root = parse_json_text(text, kInterlockBytesMax);
  if (!root.ok()) return root.error();
  if (!root.value().is_object()) return Error(Errc::corrupt, "not a JSON object");
  const auto format = root.value().find("format");
  if (format == root.value().end() || *format != kFormat) {
    return Error(Errc::corrupt, "not an interlock record: its format is not stillframe-interlock");
  }
  const auto version = root.value().find("version");
  if (version == root.value().end()) return Error(Errc::corrupt, "version is missing");
  auto known = decode_json<Version>(*version, "version");
  if (!known.ok()) return known.error();
  if (known.value().major > kMajor) {
    return Error(Errc::future_version, "an interlock record of version " +
                                           std::to_string(known.value().major) +
                                           "; use a newer Stillframe");
  }
  if (known.value().major == 0) return Error(Errc::corrupt, "version.major is 0");
  root.value().erase("format");
  root.value().erase("version");
  auto record = decode_json<InterlockRecord>(root.value());
  if (!record.ok()) return record.error();
  if (Status s = validate(record.value()); !s.ok()) return s.error();
  return record;
}

}  // namespace stillframe
