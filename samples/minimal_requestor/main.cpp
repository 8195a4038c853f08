// The smallest requestor: makes a snapshot set of everything that writers offer, prints where it
// can be read, and lets it go again when Enter is pressed.
#include <iostream>

#include <stillframe/requestor.hpp>

using namespace stillframe;

namespace {

int fail(const char* doing, const Error& error) {
  std::cerr << doing << ": " << error.what() << "\n";
  return 1;
}

}  // namespace

int main() {
  auto channel = connect({.socket = "", .requestor_name = "minimal-requestor"});
  if (!channel.ok()) return fail("connecting", channel.error());
  Client client(std::move(channel).value());

  auto session = client.begin_backup({});
  if (!session.ok()) return fail("beginning", session.error());
  BackupSession& backup = session.value();
  auto writers = backup.gather();
  if (!writers.ok()) return fail("asking the writers", writers.error());
  ComponentSelector everything;  // of everybody
  everything.component = "*";
  Status selected = backup.select({everything});
  if (!selected.ok()) return fail("selecting", selected.error());
  auto prepared = backup.prepare();
  if (!prepared.ok()) return fail("preparing", prepared.error());
  auto set = backup.create_snapshots();
  if (!set.ok()) return fail("cutting", set.error());

  for (const ComponentEvidence& component : set.value().evidence.components) {
    std::cout << component.instance_name << ":" << component.name.full() << ": " << component.reason
              << "\n";
  }
  for (const SnapshotInfo& snapshot : set.value().snapshots) {
    std::cout << snapshot.volume.mount_point << " can be read at " << snapshot.root << "\n";
  }
  std::cout << "Press Enter to let it go." << std::endl;
  std::cin.get();
  return 0;  // the session's end deletes the snapshots
}
