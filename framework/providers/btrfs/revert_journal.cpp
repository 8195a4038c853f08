#include "framework/providers/btrfs/revert_journal.hpp"

#include <nlohmann/json.hpp>

#include "framework/base/path.hpp"
#include "framework/model/json_parse.hpp"

namespace stillframe {
namespace {

using nlohmann::json;

constexpr std::size_t kJournalTextBytesMax = std::size_t{4} << 20;

Error bad_journal(const std::string& what) {
  return Error(Errc::corrupt, "revert journal: " + what);
}

// Reads members one by one and keeps the first complaint.
class Members {
 public:
  explicit Members(const json& object) : object_(object) {}

  std::string text(const char* name) {
    const auto at = object_.find(name);
    if (at != object_.end() && at->is_string()) return at->get<std::string>();
    return complain(std::string(name) + " is missing");
  }
  BytePath path(const char* name) {
    auto bytes = unescape_path(text(name));
    return bytes.ok() ? std::move(bytes).value() : complain(std::string(name) + " is no path");
  }
  BytePath relative(const char* name) {
    BytePath found = path(name);
    return is_safe_relative(found) ? found : complain(std::string(name) + " leads elsewhere");
  }
  const std::string& problem() const { return problem_; }
  std::string complain(const std::string& what) {
    if (problem_.empty()) problem_ = what;
    return {};
  }

 private:
  const json& object_;
  std::string problem_;
};

}  // namespace

std::string to_json(const RevertJournal& journal) {
  json object;
  object["version"] = 1;
  object["snapshot"] = journal.snapshot.to_string();
  object["device"] = escape_path(journal.device);
  object["fs_uuid"] = journal.fs_uuid;
  object["super_options"] = escape_path(journal.super_options);
  object["volume"] = escape_path(journal.volume);
  object["next"] = escape_path(journal.next);
  object["aside"] = escape_path(journal.aside);
  object["store"] = escape_path(journal.store);
  object["records"] = escape_path(journal.records);
  object["volume_id"] = journal.volume_id;
  object["swapping"] = journal.swapping;
  object["mounts"] = json::array();
  for (const auto& mount : journal.mounts) {
    json entry;
    entry["mount_point"] = escape_path(mount.mount_point);
    entry["below"] = escape_path(mount.below);
    entry["options"] = escape_path(mount.options);
    object["mounts"].push_back(std::move(entry));
  }
  return object.dump();
}

Result<RevertJournal> parse_revert_journal(std::string_view text) {
  const auto parsed = parse_json_text(text, kJournalTextBytesMax);
  if (!parsed.ok()) return parsed.error().while_doing("revert journal");
  const json& object = parsed.value();
  if (!object.is_object()) return bad_journal("not an object");
  const auto version = object.find("version");
  if (version == object.end() || *version != 1) {
    return Error(Errc::future_version,
                 "revert journal: its version is not 1; use the program that "
                 "wrote it");
  }
  RevertJournal journal;
  Members members(object);
  auto id = SnapshotId::parse(members.text("snapshot"));
  if (!id.ok()) return bad_journal("snapshot is no id");
  journal.snapshot = id.value();
  journal.device = members.path("device");
  journal.fs_uuid = members.text("fs_uuid");
  journal.super_options = members.path("super_options");
  journal.volume = members.relative("volume");
  journal.next = members.relative("next");
  journal.aside = members.relative("aside");
  journal.store = members.relative("store");
  journal.records = members.path("records");
  journal.volume_id = members.text("volume_id");
  const auto swapping = object.find("swapping");
  journal.swapping = swapping != object.end() && swapping->is_boolean() && swapping->get<bool>();
  const auto mounts = object.find("mounts");
  if (mounts == object.end() || !mounts->is_array()) return bad_journal("mounts is missing");
  for (const auto& each : *mounts) {
    if (!each.is_object()) return bad_journal("mounts holds something else");
    Members of_mount(each);
    journal.mounts.push_back(
        {of_mount.path("mount_point"), of_mount.relative("below"), of_mount.path("options")});
    if (!of_mount.problem().empty()) members.complain(of_mount.problem());
  }
  if (journal.volume.empty() || journal.next.empty() || journal.aside.empty()) {
    members.complain("a subvolume has no name");
  }
  if (!members.problem().empty()) return bad_journal(members.problem());
  return journal;
}

}  // namespace stillframe
