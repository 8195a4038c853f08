#include "writers/ese/tool/instance_at_rest.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "writers/ese/tool/log_databases.hpp"
#include "writers/ese/tool/log_sets.hpp"

namespace stillframe::ese::tool {

namespace {

std::string whole_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal();
}

// Those that recovery met and that are there, and those beside the logs that were last used with
// them.
std::vector<std::string> known_databases(const Instance& instance, const BytePath& logs,
                                         const Signature& sequence) {
  std::set<std::string> known;
  if (instance.recovered()) {
    for (const PlannedDatabase& each : instance.recovered()->plan.databases) {
      if (each.action != PlannedAction::set_aside) known.insert(each.file);
    }
  }
  if (auto beside = databases_beside(logs, {}); beside.ok()) {
    for (const LogDatabase& each : beside.value()) {
      if (each.header.ok() && each.header.value().sign_log == sequence) {
        known.insert(whole_path(each.file));
      }
    }
  }
  return {known.begin(), known.end()};
}

Result<LogSet> only_set(const std::string& logs, const std::string& base) {
  auto sets = open_log_sets(logs, base);
  if (!sets.ok()) return sets.error();
  if (sets.value().size() > 1) {
    return Error(Errc::invalid_argument, "'" + escape_path(logs) +
                                             "' has logs of several sequences; choose one with "
                                             "--base");
  }
  if (!sets.value().front().chain.logs.empty()) return std::move(sets.value().front());
  return Error(Errc::not_found, "'" + escape_path(logs) + "' has no log that can be read");
}

}  // namespace

Result<PathLock> lock_at_rest(const BytePath& path) {
  auto lock = PathLock::take(path);
  if (!lock.ok()) return lock.error();
  if (lock.value()) return std::move(*lock.value());
  return Error(Errc::wrong_state, "'" + escape_path(path) +
                                      "' is used by a process that runs; end it, or let it make "
                                      "the backup itself");
}

bool StartedInstance::recovered() const {
  const auto& report = instance_->recovered();
  return report && report->plan.anything_to_do();
}

Result<StartedInstance> StartedInstance::start(Files& files, const RestingInstance& asked) {
  const auto set = only_set(asked.logs, asked.base);
  if (!set.ok()) return set.error();
  const ChainLog& newest = set.value().chain.logs.back();
  InstanceOptions options;
  options.logs = whole_path(asked.logs);
  if (!asked.system.empty()) options.system = whole_path(asked.system);
  options.base = set.value().base;
  options.extensions = newest.name.extensions;
  options.eight_digits = set.value().chain.logs.front().name.digits == 8;
  options.page_bytes = newest.header.fields.page_size();
  options.reserves = 0;
  options.clock = log_time_now;
  options.random = random_number;

  StartedInstance started;
  for (const BytePath& folder : std::set<BytePath>{options.logs, options.system}) {
    if (folder.empty()) continue;
    auto lock = lock_at_rest(folder);
    if (!lock.ok()) return lock.error();
    started.locks_.push_back(std::move(lock).value());
  }
  auto instance = Instance::start(files, options);
  if (!instance.ok()) return instance.error();
  started.instance_ = std::move(instance).value();
  std::vector<std::string> databases;
  for (const std::string& each : asked.databases) databases.push_back(whole_path(each));
  if (databases.empty()) {
    databases = known_databases(*started.instance_, options.logs, newest.header.fields.log);
  }
  if (Status s = started.attach(databases); !s.ok()) return s.error();
  return started;
}

Status StartedInstance::attach(const std::vector<std::string>& databases) {
  for (const std::string& database : databases) {
    auto lock = lock_at_rest(database);
    if (!lock.ok()) return lock.error();
    locks_.push_back(std::move(lock).value());
    if (auto attached = instance_->attach_database(database); !attached.ok()) {
      return attached.error();
    }
  }
  if (!databases.empty()) return Ok{};
  return Error(Errc::not_found, "the logs name no database that is there; name the databases");
}

}  // namespace stillframe::ese::tool
