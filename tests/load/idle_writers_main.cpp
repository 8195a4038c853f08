// idle_writers FIRST COUNT FOLDER SOCKET_DIR: COUNT applications in one process that have nothing
// to hold still, numbered from FIRST on, each with a connection of its own. Runs until its input
// ends.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include <stillframe/writer_host.hpp>

namespace {

using namespace stillframe;

// Its one file is FOLDER/NUMBER.
class IdleWriter final : public Writer {
 public:
  IdleWriter(int number, std::string folder) : number_(number), folder_(std::move(folder)) {}

  WriterIdentity identity() const override {
    WriterIdentity identity;
    identity.class_id = WriterClassId::parse("b3d0c6de-53c2-4e0b-b3a4-0f6f6c9a7e21").value();
    identity.name = "Idle";
    identity.instance_name = std::to_string(number_);
    identity.level = static_cast<FreezeLevel>(number_ % kFreezeLevels);
    return identity;
  }
  bool any_thread() const override { return true; }
  Result<WriterMetadata> identify(const CallContext&) override {
    FileSet files;
    files.path = folder_;
    files.pattern = std::to_string(number_);
    Component component;
    component.name.name = "file";
    component.files = {files};
    WriterMetadata metadata;
    metadata.components = {component};
    return metadata;
  }
  Status prepare_snapshot(const CallContext&, const SnapshotSetView&) override { return Ok{}; }
  Status freeze(const CallContext&) override { return Ok{}; }
  Result<HoldStatement> thaw(const CallContext&) override {
    HoldStatement statement;
    statement.unbroken = true;
    return statement;
  }
  Status post_snapshot(const CallContext&, const SnapshotSetView&, BackupView&) override {
    return Ok{};
  }
  void abort(const CallContext&) override {}

 private:
  const int number_;
  const std::string folder_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const int first = std::atoi(argv[1]);
  WriterHostOptions options;
  options.socket_dir = argv[4];
  std::vector<std::unique_ptr<IdleWriter>> writers;
  std::vector<std::unique_ptr<WriterHost>> hosts;
  for (int number = first; number < first + std::atoi(argv[2]); ++number) {
    writers.push_back(std::make_unique<IdleWriter>(number, argv[3]));
    auto host = WriterHost::start(*writers.back(), options);
    if (!host.ok()) {
      std::fprintf(stderr, "%s\n", host.error().what().c_str());
      return 1;
    }
    hosts.push_back(std::move(host).value());
  }
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) continue;
  hosts.clear();
  return 0;
}
