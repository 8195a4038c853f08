// A whole coordinator in this process with writers, providers and volumes of the test's own.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stillframe/embedded.hpp>
#include <stillframe/writer_host.hpp>

#include "framework/coordinator/embedded/start_embedded.hpp"
#include "tests/coordinator/support/fake_provider.hpp"
#include "tests/coordinator/support/scripted_writer.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {

// Every directory that was named a volume is one; everything else is on volume "rest".
class FakeVolumes {
 public:
  void add(const std::string& directory, const std::string& id);
  coordinator::VolumeSourceFactory factory() const;

 private:
  std::map<std::string, Volume> volumes_;
};

class CoordinatorFixture : public ::testing::Test {
 protected:
  CoordinatorFixture();

  // A directory that is a volume of its own.
  std::string make_volume(const std::string& name);
  ScriptedWriter& add_writer(ScriptedWriterOptions options, ScriptedWriter::Hook hook = {});
  FakeProvider& add_provider(FakeProviderOptions options = {}, ProviderHook hook = {});

  void start();
  void stop() { coordinator_.reset(); }
  Client client(const std::string& name = "test");

  std::vector<std::string> events() const;

  TemporaryDirectory directory_{"coordinator"};
  EmbeddedOptions options_;
  coordinator::EmbeddedSeams seams_;
  FakeVolumes volumes_;
  // Outlive the coordinator.
  std::vector<std::unique_ptr<ScriptedWriter>> writers_;
  std::vector<std::unique_ptr<FakeProvider>> providers_;
  mutable std::mutex events_mutex_;
  std::vector<std::string> events_;
  std::unique_ptr<EmbeddedCoordinator> coordinator_;
};

// A session that gathered, selected everything and prepared; fails the test otherwise.
Result<BackupSession> prepared(Client& client, const BackupOptions& options = {},
                               const std::vector<ComponentSelector>& selectors = {});
ComponentSelector select_all(ConsistencyPolicy policy = ConsistencyPolicy::require);
Receipt receipt_for(const BackupDocument& document);
std::vector<ComponentResult> all_succeeded(const BackupDocument& document);

template <class T>
std::string error_of(const Result<T>& result) {
  return result.ok() ? "no error" : result.error().what();
}

}  // namespace stillframe::tests
