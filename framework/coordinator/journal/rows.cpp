#include "framework/coordinator/journal/rows.hpp"

#include <nlohmann/json.hpp>

namespace stillframe::coordinator {
namespace {

using nlohmann::json;

// Reads the fields of one row; the first that is missing or of another type is remembered, and what
// the journal answers is then corrupt.
class RowReader {
 public:
  explicit RowReader(const std::string& row) : object_(json::parse(row, nullptr, false)) {
    if (!object_.is_object()) broken_ = "is no JSON object";
  }

  std::string text(const char* name) {
    const json* value = find(name, json::value_t::string);
    return value == nullptr ? std::string() : value->get<std::string>();
  }
  BytePath path(const char* name) {
    auto path = unescape_path(text(name));
    if (path.ok()) return std::move(path).value();
    fail(name, path.error().what());
    return {};
  }
  std::int64_t number(const char* name) {
    auto field = object_.find(name);
    if (field != object_.end() && field->is_number_integer()) return field->get<std::int64_t>();
    fail(name, "is no integer");
    return 0;
  }
  bool flag(const char* name) {
    const json* value = find(name, json::value_t::boolean);
    return value != nullptr && value->get<bool>();
  }
  template <class IdType>
  IdType id(const char* name) {
    auto id = IdType::parse(text(name));
    if (id.ok()) return id.value();
    fail(name, id.error().what());
    return {};
  }

  Status finish() const {
    if (broken_.empty()) return Ok{};
    return Error(Errc::corrupt, "a row's field " + broken_);
  }

 private:
  const json* find(const char* name, json::value_t type) {
    auto field = object_.find(name);
    if (field != object_.end() && field->type() == type) return &*field;
    fail(name, "is missing or of another type");
    return nullptr;
  }
  void fail(const char* name, const std::string& why) {
    if (broken_.empty()) broken_ = std::string(name) + ": " + why;
  }

  json object_;
  std::string broken_;
};

std::string dump(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string snapshot_to_row(const SnapshotInfo& info) {
  const Volume& volume = info.volume;
  const SnapshotAttributes& attributes = info.attributes;
  return dump({{"snapshot", info.snapshot.to_string()},
               {"set", info.set.to_string()},
               {"provider", info.provider.to_string()},
               {"provider_name", info.provider_name},
               {"state", static_cast<int>(info.state)},
               {"created", info.created.since_epoch().count()},
               {"root", escape_path(info.root)},
               {"exposed_at", escape_path(info.exposed_at)},
               {"host", info.host},
               {"reason_unusable", info.reason_unusable},
               {"persistent", attributes.persistent},
               {"auto_recovery", attributes.auto_recovery},
               {"for_rollback", attributes.for_rollback},
               {"differential", attributes.differential},
               {"clone", attributes.clone},
               {"volume", volume.id},
               {"mount_point", escape_path(volume.mount_point)},
               {"mount_root", escape_path(volume.mount_root)},
               {"device", escape_path(volume.device)},
               {"fs_type", volume.fs_type},
               {"fs_uuid", volume.fs_uuid},
               {"st_dev", static_cast<std::int64_t>(volume.st_dev)},
               {"subvolume_id", static_cast<std::int64_t>(volume.subvolume_id)},
               {"read_only", volume.read_only},
               {"backing_image", escape_path(volume.backing_image)}});
}

Result<SnapshotInfo> snapshot_from_row(const std::string& row) {
  RowReader reader(row);
  SnapshotInfo info;
  info.snapshot = reader.id<SnapshotId>("snapshot");
  info.set = reader.id<SetId>("set");
  info.provider = reader.id<ProviderId>("provider");
  info.provider_name = reader.text("provider_name");
  info.state = static_cast<SnapshotState>(reader.number("state"));
  info.created = WallTime(Duration(reader.number("created")));
  info.root = reader.path("root");
  info.exposed_at = reader.path("exposed_at");
  info.host = reader.text("host");
  info.reason_unusable = reader.text("reason_unusable");
  info.attributes.persistent = reader.flag("persistent");
  info.attributes.auto_recovery = reader.flag("auto_recovery");
  info.attributes.for_rollback = reader.flag("for_rollback");
  info.attributes.differential = reader.flag("differential");
  info.attributes.clone = reader.flag("clone");
  info.volume.id = reader.text("volume");
  info.volume.mount_point = reader.path("mount_point");
  info.volume.mount_root = reader.path("mount_root");
  info.volume.device = reader.path("device");
  info.volume.fs_type = reader.text("fs_type");
  info.volume.fs_uuid = reader.text("fs_uuid");
  info.volume.st_dev = static_cast<std::uint64_t>(reader.number("st_dev"));
  info.volume.subvolume_id = static_cast<std::uint64_t>(reader.number("subvolume_id"));
  info.volume.read_only = reader.flag("read_only");
  info.volume.backing_image = reader.path("backing_image");
  if (Status s = reader.finish(); !s.ok()) return s.error();
  if (info.state < SnapshotState::preparing || info.state > SnapshotState::deleted)
    return Error(Errc::corrupt, "a row's snapshot has no known state");
  return info;
}

std::string restore_to_row(const JournalledRestore& restore) {
  BackupDocument document;
  document.session = restore.session;
  document.type = restore.type;
  document.restore_mode = true;
  document.components.push_back(restore.component);
  return to_json(document);
}

Result<JournalledRestore> restore_from_row(const std::string& row) {
  auto document = parse_backup_document(row);
  if (!document.ok()) return document.error();
  if (document.value().components.size() != 1)
    return Error(Errc::corrupt, "a row's restore does not hold one component");
  JournalledRestore restore;
  restore.session = document.value().session;
  restore.type = document.value().type;
  restore.component = std::move(document.value().components.front());
  return restore;
}

}  // namespace stillframe::coordinator
