// `dedupctl mount` for a test: an engine in a process of its own that shows a volume to its users.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/dedup/writer/writer_volume.hpp"
#include "writers/dedup/engine/control_socket.hpp"

namespace stillframe::dedup::tests {

class EngineProcess {
 public:
  explicit EngineProcess(WriterVolume& volume)
      : volume_(volume), place_(volume.fs().scratch() + "/view") {
    std::filesystem::create_directory(place_);
  }
  ~EngineProcess() { stop(); }

  void start() {
    const int code = dedupctl({"mount", volume_.device(), place_});
    ASSERT_EQ(code, 0) << said_;
    running_ = true;
  }
  void stop() {
    if (!running_) return;
    EXPECT_EQ(dedupctl({"unmount", place_}), 0) << said_;
    running_ = false;
  }
  // Its view stays behind, and answers with errors.
  void kill() {
    auto client = connect();
    ASSERT_TRUE(client.ok()) << client.error().what();
    ASSERT_EQ(::kill(client.value().peer(), SIGKILL), 0);
    while (client.value().ask(Json{{"do", "job"}}, {}).ok()) {
      client = connect();
      if (!client.ok()) break;
    }
  }

  Result<Json> ask(const Json& question) {
    auto client = connect();
    if (!client.ok()) return client.error();
    return client.value().ask(question, {});
  }
  std::string operator/(const std::string& name) const { return place_ + "/" + name; }

 private:
  int dedupctl(const std::vector<std::string>& words) {
    const std::string program =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "dedupctl";
    std::vector<std::string> command{"/usr/bin/env", "STILLFRAME_DEDUP_RUN=" + volume_.run(),
                                     program};
    command.insert(command.end(), words.begin(), words.end());
    said_.clear();
    return stillframe::tests::run_program(command, &said_);
  }
  Result<ControlClient> connect() const {
    const auto path = control_socket_path(volume_.run(), volume_.device());
    if (!path.ok()) return path.error();
    return ControlClient::connect(path.value());
  }

  WriterVolume& volume_;
  const std::string place_;
  std::string said_;
  bool running_ = false;
};

}  // namespace stillframe::dedup::tests
