// stage_requestor SOCKET_DIR OUT_DIR: one whole backup of everything, step by step. What it learnt
// is in OUT_DIR/result, written at the end or when it fails: lines of "key value".
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <stillframe/requestor.hpp>

#include "tests/integration/support/stage_line.hpp"

namespace {

using namespace stillframe;

class Backup {
 public:
  Backup(std::string sockets, std::string out)
      : sockets_(std::move(sockets)), out_(std::move(out)), result_(out_ + "/result.part") {}

  Status run() {
    stage_.tell("connect");
    auto channel = connect({sockets_ + "/requestor.sock", std::chrono::seconds(10), "stage"});
    if (!channel.ok()) return channel.error();
    Client client(std::move(channel).value());
    stage_.tell("begin");
    BackupOptions options;
    options.type = BackupType::full;
    auto session = client.begin_backup(options);
    if (!session.ok()) return session.error();
    return steps(session.value());
  }

  void say(const std::string& key, const std::string& value) {
    result_ << key << " " << value << "\n";
  }

  // The result appears whole or not at all.
  void publish() {
    result_.close();
    std::filesystem::rename(out_ + "/result.part", out_ + "/result");
  }

 private:
  Status steps(BackupSession& backup) {
    stage_.tell("gather");
    auto writers = backup.gather();
    if (!writers.ok()) return writers.error();
    stage_.tell("select");
    ComponentSelector everything;
    everything.component = "*";
    if (Status s = backup.select({everything}); !s.ok()) return s;
    stage_.tell("prepare");
    if (auto prepared = backup.prepare(); !prepared.ok()) return prepared.error();
    stage_.tell("snapshot");
    auto set = backup.create_snapshots();
    if (!set.ok()) return set.error();
    stage_.tell("copy");
    for (const ComponentEvidence& component : set.value().evidence.components)
      if (Status s = copy(component, set.value()); !s.ok()) return s;
    stage_.tell("complete");
    if (Status s = complete(backup, set.value()); !s.ok()) return s;
    stage_.tell("end");
    auto evidence = backup.end();
    if (!evidence.ok()) return evidence.error();
    say("outcome", evidence.value().outcome);
    stage_.tell("ended");
    return Ok{};
  }

  Status copy(const ComponentEvidence& component, const SnapshotSetResult& set) {
    for (const SnapshotInfo& snapshot : set.snapshots) {
      const std::string from = snapshot.root + "/" + component.instance_name + ".ticks";
      std::error_code failure;
      if (!std::filesystem::exists(from, failure)) continue;
      std::filesystem::copy_file(from, out_ + "/" + component.instance_name + ".ticks",
                                 std::filesystem::copy_options::overwrite_existing, failure);
      if (failure) return Error(Errc::internal, "copying " + from + ": " + failure.message());
      for (const SnapshotEvidence& one : set.evidence.snapshots)
        if (one.snapshot == snapshot.snapshot && one.cut)
          say("cut." + component.instance_name,
              std::to_string(one.cut->begun.since_boot().count()) + " " +
                  std::to_string(one.cut->ended.since_boot().count()));
      say("label." + component.instance_name, std::to_string(static_cast<int>(component.label)));
    }
    return Ok{};
  }

  static Status complete(BackupSession& backup, const SnapshotSetResult& set) {
    auto document = backup.document();
    if (!document.ok()) return document.error();
    Receipt receipt;
    receipt.backup = document.value().backup;
    receipt.session = backup.id();
    receipt.set = set.set;
    receipt.manifest_sha256 = std::string(64, 'a');
    receipt.published = system_clock().wall_now();
    std::vector<ComponentResult> results;
    for (const ComponentEvidence& component : set.evidence.components)
      results.push_back({component.writer_class, component.instance_name, component.name, true});
    auto done = backup.complete(receipt, results);
    if (!done.ok()) return done.error();
    return Ok{};
  }

  const stillframe::tests::StageLine stage_{"requestor"};
  const std::string sockets_, out_;
  std::ofstream result_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  Backup backup(argv[1], argv[2]);
  const Status done = backup.run();
  if (!done.ok()) backup.say("error", done.error().what());
  backup.say("ok", done.ok() ? "1" : "0");
  backup.publish();
  return done.ok() ? 0 : 1;
}
