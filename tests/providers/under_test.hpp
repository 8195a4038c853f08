// Each built-in provider on file systems made for it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <stillframe/testkit/provider_suite.hpp>

#include "framework/base/memory_event_sink.hpp"
#include "framework/providers/builtin.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {

enum class Kind { btrfs, reflink, copy };

struct Pairing {
  Kind provider;
  FsKind fs;
  bool subvolumes = false;  // btrfs: the volumes are mounted subvolumes, not top levels
};

std::string name_of(const Pairing& setup);
std::unique_ptr<Provider> make_provider(Kind kind, ProviderEnvironment environment);

class BuiltinUnderTest final : public testkit::ProviderUnderTest {
 public:
  // Null, with the reason, where the machine lacks what it takes.
  static std::unique_ptr<BuiltinUnderTest> make(const Pairing& setup, std::size_t volumes,
                                                std::string& reason);

  std::unique_ptr<Provider> make() override;
  std::vector<Volume> volumes() override;
  BytePath scratch() override { return fs_.front()->scratch(); }
  bool seals_root() const override { return setup_.provider == Kind::btrfs; }

  ProviderEnvironment& environment() { return environment_; }
  MemoryEventSink& events() { return events_; }
  LoopFs& fs(std::size_t index = 0) { return *fs_[index]; }
  // Mounts of the file systems under test beyond the ones they were set up with.
  std::vector<std::string> extra_mounts() const;
  // What lies in the stores and the state directory, for "nothing is left" of a test.
  std::string leftovers() const;

 private:
  explicit BuiltinUnderTest(const Pairing& setup) : setup_(setup) {}
  Pairing setup_;
  std::vector<std::unique_ptr<LoopFs>> fs_;
  std::unique_ptr<LoopFs> storage_;  // of the state directory: syncing / would wait for others
  MemoryEventSink events_;
  ProviderEnvironment environment_;
};

}  // namespace stillframe::tests
