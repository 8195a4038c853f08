#include "framework/providers/common/snapshot_record.hpp"

#include <nlohmann/json.hpp>

#include "framework/base/path.hpp"
#include "framework/model/json_codec.hpp"
#include "framework/model/json_parse.hpp"

namespace stillframe {
namespace {

using nlohmann::json;

Error bad_record(const std::string& what) {
  return Error(Errc::corrupt, "snapshot record: " + what);
}

Result<BytePath> relative_path(const json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_string()) return bad_record(std::string(name) + " is missing");
  auto path = unescape_path(at->get_ref<const std::string&>());
  if (!path.ok()) return bad_record(std::string(name) + ": " + path.error().what());
  if (!is_safe_relative(path.value())) return bad_record(std::string(name) + " leads elsewhere");
  return path;
}

bool flag(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_boolean() && at->get<bool>();
}

Status read_subvolumes(const json& object, std::vector<CutSubvolume>& out) {
  const auto at = object.find("subvolumes");
  if (at == object.end()) return Ok{};
  if (!at->is_array()) return bad_record("subvolumes is no list");
  for (const auto& each : *at) {
    if (!each.is_object()) return bad_record("subvolumes holds something else");
    auto place = relative_path(each, "place"), held = relative_path(each, "held");
    if (!place.ok()) return place.error();
    if (!held.ok()) return held.error();
    out.push_back({std::move(place).value(), std::move(held).value()});
  }
  return Ok{};
}

Status read_version(const json& object) {
  const auto at = object.find("version");
  if (at == object.end() || !at->is_number_unsigned()) return bad_record("version is missing");
  const auto version = at->get<std::uint64_t>();
  if (version <= kSnapshotRecordVersion) return Ok{};
  return Error(Errc::future_version, "snapshot record: version " + std::to_string(version) +
                                         " is newer than this program; upgrade to use it");
}

Result<RevertStep> read_revert(const json& object) {
  const auto at = object.find("revert");
  if (at == object.end()) return RevertStep::none;
  if (*at == "staging") return RevertStep::staging;
  if (*at == "swapping") return RevertStep::swapping;
  return bad_record("revert has an unknown step");
}

Result<std::optional<UnmountedVolume>> read_unmounted(const json& object) {
  const auto at = object.find("unmounted");
  if (at == object.end()) return std::optional<UnmountedVolume>();
  const auto text = [&](const char* name) {
    const auto member = at->is_object() ? at->find(name) : at->end();
    return member != at->end() && member->is_string() ? unescape_path(member->get<std::string>())
                                                      : Result<BytePath>(bad_record(name));
  };
  auto mount_point = text("mount_point"), options = text("options"),
       super_options = text("super_options");
  if (!mount_point.ok() || !options.ok() || !super_options.ok() ||
      !mount_point.value().starts_with('/')) {
    return bad_record("unmounted is no mount");
  }
  return std::optional(
      UnmountedVolume{mount_point.value(), options.value(), super_options.value()});
}

}  // namespace

bool operator==(const SnapshotRecord& a, const SnapshotRecord& b) {
  return to_json(a) == to_json(b);
}

std::string to_json(const SnapshotRecord& record) {
  json object;
  object["version"] = kSnapshotRecordVersion;
  object["info"] = encode_json(record.info);
  object["view"] = escape_path(record.view);
  object["request"] = encode_json(record.request);
  if (record.sealed) object["sealed"] = true;
  if (record.place_made) object["place_made"] = true;
  if (record.revert == RevertStep::staging) object["revert"] = "staging";
  if (record.revert == RevertStep::swapping) object["revert"] = "swapping";
  if (record.unmounted) {
    object["unmounted"]["mount_point"] = escape_path(record.unmounted->mount_point);
    object["unmounted"]["options"] = escape_path(record.unmounted->options);
    object["unmounted"]["super_options"] = escape_path(record.unmounted->super_options);
  }
  for (const auto& each : record.subvolumes) {
    json entry;
    entry["place"] = escape_path(each.place);
    entry["held"] = escape_path(each.held);
    object["subvolumes"].push_back(std::move(entry));
  }
  return dump_json(object);
}

Result<SnapshotRecord> parse_snapshot_record(std::string_view text) {
  const auto object = parse_json_text(text, kSnapshotRecordBytesMax);
  if (!object.ok()) return object.error().while_doing("snapshot record");
  const json& top = object.value();
  if (!top.is_object()) return bad_record("not an object");
  if (Status s = read_version(top); !s.ok()) return s.error();
  SnapshotRecord record;
  if (!top.contains("info") || !top.contains("request"))
    return bad_record("info or request is missing");
  auto info = decode_json<SnapshotInfo>(top["info"], "info");
  if (!info.ok()) return info.error().while_doing("snapshot record");
  auto request = decode_json<CutRequest>(top["request"], "request");
  if (!request.ok()) return request.error().while_doing("snapshot record");
  auto view = relative_path(top, "view");
  if (!view.ok()) return view.error();
  auto revert = read_revert(top);
  if (!revert.ok()) return revert.error();
  auto unmounted = read_unmounted(top);
  if (!unmounted.ok()) return unmounted.error();
  if (Status s = read_subvolumes(top, record.subvolumes); !s.ok()) return s.error();
  record.info = std::move(info).value();
  record.request = std::move(request).value();
  record.view = std::move(view).value();
  record.revert = revert.value();
  record.unmounted = std::move(unmounted).value();
  record.sealed = flag(top, "sealed");
  record.place_made = flag(top, "place_made");
  return record;
}

}  // namespace stillframe
