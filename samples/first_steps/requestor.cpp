// The smallest requestor: takes a consistent snapshot of everything that can be selected, shows
// where it can be read and what it deserves to be called, and lets it go.
#include <cstdio>

#include <stillframe/requestor.hpp>

namespace {

// [requestor]
stillframe::Status look_at_a_snapshot(stillframe::Client& coordinator) {
  stillframe::BackupOptions options;
  options.type = stillframe::BackupType::copy;  // nobody's logs or chains are touched
  auto begun = coordinator.begin_backup(options);
  if (!begun.ok()) return begun.error();
  stillframe::BackupSession backup = std::move(begun).value();

  auto writers = backup.gather();
  if (!writers.ok()) return writers.error();
  stillframe::ComponentSelector everything;
  everything.component = "*";
  if (auto selected = backup.select({everything}); !selected.ok()) return selected;
  if (auto prepared = backup.prepare(); !prepared.ok()) return prepared.error();

  auto set = backup.create_snapshots();
  if (!set.ok()) return set.error();
  for (const auto& snapshot : set.value().snapshots) {
    std::printf("%s can be read at %s\n", snapshot.volume.mount_point.c_str(),
                snapshot.root.c_str());
  }
  for (const auto& component : set.value().evidence.components) {
    std::printf("%s: %s\n", component.name.full().c_str(), component.reason.c_str());
  }
  // A backup program copies and publishes here, then calls complete() with its receipt.
  return backup.abort("only looking");
}
// [/requestor]

}  // namespace

int main() {
  auto channel = stillframe::connect();
  if (!channel.ok()) {
    std::fprintf(stderr, "%s\n", channel.error().what().c_str());
    return 1;
  }
  stillframe::Client coordinator(std::move(channel).value());
  if (auto looked = look_at_a_snapshot(coordinator); !looked.ok()) {
    std::fprintf(stderr, "%s\n", looked.error().what().c_str());
    return 1;
  }
}
