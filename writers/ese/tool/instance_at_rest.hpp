// An instance that nobody runs, started for one verb.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/instance/instance.hpp"
#include "writers/ese/instance/path_lock.hpp"

namespace stillframe::ese::tool {

struct RestingInstance {
  std::string logs, system;            // folders; system may be empty
  std::string base;                    // empty: the only one there
  std::vector<std::string> databases;  // empty: those that the logs and their folder know
};

// Keeps its folders and databases from other processes as long as it lives.
class StartedInstance {
 public:
  // Recovers it if it was not shut down, and attaches the databases. wrong_state while a process
  // uses it, not_found without logs or databases.
  static Result<StartedInstance> start(Files& files, const RestingInstance& asked);

  Instance& instance() const noexcept { return *instance_; }
  // Whether databases had to be recovered.
  bool recovered() const;

 private:
  StartedInstance() = default;
  Status attach(const std::vector<std::string>& databases);

  std::vector<PathLock> locks_;
  std::unique_ptr<Instance> instance_;
};

// Held by nobody else; wrong_state otherwise.
Result<PathLock> lock_at_rest(const BytePath& path);

}  // namespace stillframe::ese::tool
