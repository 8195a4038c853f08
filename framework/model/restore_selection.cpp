#include "framework/model/restore_selection.hpp"

#include <algorithm>

#include "framework/model/component_tree.hpp"

namespace stillframe {
namespace {

using Entries = std::vector<BackupComponent>;

BackupComponent* entry_named(Entries& entries, const std::string& full_name) {
  for (BackupComponent& entry : entries) {
    if (entry.name.full() == full_name) return &entry;
  }
  return nullptr;
}

ComponentRestore& restore_of(BackupComponent& entry) {
  if (!entry.restore) entry.restore.emplace();
  return *entry.restore;
}

// Whole and in part at once would restore a different set than either says.
Error both(const std::string& name) {
  return {Errc::invalid_argument,
          "component '" + name + "' is asked for whole and in part; ask for one of the two"};
}

Status select_whole(BackupComponent& entry) {
  ComponentRestore& restore = restore_of(entry);
  if (!restore.subcomponents.empty()) return both(entry.name.full());
  restore.selected = true;
  return Ok{};
}

Status select_member(const ComponentTree& tree, Entries& entries, const std::string& name) {
  const auto member = tree.find(std::string_view(name));
  if (!member) {
    return Error(Errc::not_found, "the backup holds no component '" + name + "' of writer '" +
                                      tree.metadata().identity.name + "'");
  }
  BackupComponent* head = nullptr;
  for (const std::size_t ancestor : tree.ancestors(*member)) {
    head = entry_named(entries, tree.at(ancestor).name.full());
    if (head != nullptr) break;
  }
  if (head == nullptr) {
    return Error(Errc::not_found, "component '" + name + "' was not backed up");
  }
  if (!tree.at(*member).selectable_for_restore) {
    return Error(Errc::invalid_argument, "component '" + name +
                                             "' only comes back together with '" +
                                             head->name.full() + "'; restore that");
  }
  ComponentRestore& restore = restore_of(*head);
  if (restore.selected && restore.subcomponents.empty()) return both(head->name.full());
  restore.selected = true;
  if (std::find(restore.subcomponents.begin(), restore.subcomponents.end(),
                tree.at(*member).name) == restore.subcomponents.end()) {
    restore.subcomponents.push_back(tree.at(*member).name);
  }
  return Ok{};
}

}  // namespace

Status select_for_restore(const WriterMetadata& stored, Entries& entries,
                          const std::vector<std::string>& names) {
  const ComponentTree tree(stored);
  Entries selected = entries;
  for (BackupComponent& entry : selected) {
    if (!entry.restore) continue;
    entry.restore->selected = false;
    entry.restore->subcomponents.clear();
  }
  for (const std::string& name : names) {
    BackupComponent* entry = entry_named(selected, name);
    Status s = entry != nullptr ? select_whole(*entry) : select_member(tree, selected, name);
    if (!s.ok()) return s;
  }
  entries = std::move(selected);
  return Ok{};
}

Result<std::vector<std::size_t>> restored_members(const WriterMetadata& stored,
                                                  const BackupComponent& entry) {
  const ComponentTree tree(stored);
  const auto head = tree.find(entry.name);
  if (!head) {
    return Error(Errc::not_found, "the saved metadata of writer '" + stored.identity.name +
                                      "' has no component '" + entry.name.full() + "'");
  }
  const auto all = tree.at(*head).selectable_for_backup ? tree.with_descendants(*head)
                                                        : std::vector<std::size_t>{*head};
  if (!entry.restore || entry.restore->subcomponents.empty()) return all;

  std::vector<std::size_t> members;
  for (const ComponentName& name : entry.restore->subcomponents) {
    const auto member = tree.find(name);
    if (!member || *member == *head || !std::binary_search(all.begin(), all.end(), *member)) {
      return Error(Errc::not_found,
                   "'" + name.full() + "' is no member of component '" + entry.name.full() + "'");
    }
    const auto beneath = tree.with_descendants(*member);
    members.insert(members.end(), beneath.begin(), beneath.end());
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return members;
}

Status check_restore_request(const WriterMetadata& writer, const BackupComponent& entry,
                             const std::string& target_instance_name) {
  const ComponentRestore restore = entry.restore.value_or(ComponentRestore());
  struct Promise {
    bool asked;
    std::uint32_t bit;
    std::string_view what;
  };
  const bool moves = !target_instance_name.empty() && target_instance_name != entry.instance_name;
  const bool rolls = restore.roll_forward && *restore.roll_forward != RollForward::none;
  const Promise promises[] = {
      {!restore.new_targets.empty(), BackupSchema::kNewTarget, "new targets"},
      {rolls, BackupSchema::kRollForward, "rolling forward"},
      {!restore.restore_name.empty(), BackupSchema::kRestoreRename, "restoring under another name"},
      {restore.authoritative, BackupSchema::kAuthoritativeRestore, "authoritative restore"},
      {moves, BackupSchema::kRestoreWithMove, "restoring to another instance"},
  };
  for (const Promise& promise : promises) {
    if (!promise.asked || writer.schema.has(promise.bit)) continue;
    return Error(Errc::not_supported, "component '" + entry.name.full() + "': writer '" +
                                          writer.identity.name + "' does not support " +
                                          std::string(promise.what));
  }
  return Ok{};
}

Result<std::string> check_writer_version(const WriterIdentity& stored, const WriterIdentity& live) {
  const auto text = [](const Version& version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor);
  };
  const std::string versions = "the backup is of writer '" + stored.name + "' in version " +
                               text(stored.version) + ", and version " + text(live.version) +
                               " is running";
  if (stored.version.major != live.version.major) {
    return Error(Errc::not_supported,
                 versions + "; run the backup's major version, or restore only the files");
  }
  return stored.version.minor > live.version.minor ? versions : std::string();
}

bool wants_pre_restore(const RestorePolicy& policy) noexcept {
  return policy.events != RestoreEvents::never;
}

bool wants_post_restore(const RestorePolicy& policy, bool replace_failed) noexcept {
  switch (policy.events) {
    case RestoreEvents::never:
      return false;
    case RestoreEvents::if_replace_fails:
      return replace_failed;
    case RestoreEvents::always:
      return true;
  }
  return true;
}

}  // namespace stillframe
