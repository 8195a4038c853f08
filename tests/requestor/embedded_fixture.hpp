// A real embedded coordinator in a temporary directory, and files under a writer's care.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <stillframe/embedded.hpp>

#include "framework/coordinator/embedded/start_embedded.hpp"
#include "framework/providers/builtin.hpp"
#include "requestor/backup/backup_run.hpp"
#include "tests/support/loop_fs.hpp"

namespace stillframe::tests {

struct QuietObserver : requestor::RunObserver {
  void progress(const std::string&, const std::string&, std::uint64_t, std::uint64_t) override {}
  void warning(const std::string& message) override { warnings.push_back(message); }
  std::vector<std::string> warnings;
};

inline void write_file(const std::string& path, const std::string& content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::trunc) << content;
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct EmbeddedFixture : ::testing::Test {
  TemporaryDirectory temporary{"stillframe-requestor"};
  const std::string base = temporary.path();
  const std::string store = base + "/store";
  const std::string sockets = base + "/sockets";
  std::unique_ptr<Provider> copies;  // outlives the coordinator
  std::unique_ptr<EmbeddedCoordinator> coordinator;

  void start_coordinator() {
    EmbeddedOptions options;
    options.state_dir = base + "/state";
    options.runtime_dir = base + "/run";
    options.socket_dir = sockets;
    options.providers_in_process = true;
    std::filesystem::create_directories(sockets);
    // One provider of our own: the built-in ones know every snapshot on this machine, and what
    // other tests make beside this one is none of our business.
    coordinator::EmbeddedSeams seams;
    seams.builtin_providers = false;
    auto started = coordinator::start_embedded(options, seams);
    ASSERT_TRUE(started.ok()) << started.error().what();
    coordinator = std::move(started).value();
    ProviderEnvironment environment;
    environment.state_directory = base + "/state";
    environment.runtime_directory = base + "/run";
    copies = make_copy_provider(environment);
    ASSERT_TRUE(coordinator->add_provider(*copies).ok());
  }
  Client client() { return Client(coordinator->connect("test")); }

  Result<requestor::BackupReport> backup(BackupType type, bool streams = false) {
    requestor::BackupRequest request;
    request.store = store;
    request.options.type = type;
    request.prefer_streams = streams;
    QuietObserver observer;
    Client requestor = client();
    return requestor::run_backup(requestor, request, observer);
  }
};

}  // namespace stillframe::tests
