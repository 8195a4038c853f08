#include "writers/ese/ntds/target_files.hpp"

#include <algorithm>

#include "writers/ese/format/log_reader.hpp"
#include "writers/ese/recovery/attached_databases.hpp"
#include "writers/ese/recovery/log_files.hpp"
#include "writers/ese/recovery/log_lifecycle.hpp"

namespace stillframe::ese::ntds {

Result<std::vector<std::string>> databases_in_log(Files& files, const InstanceOptions& options) {
  const auto set = read_log_set(files, options.logs, options.base);
  if (!set.ok()) return set.error();
  std::vector<std::string> paths;
  if (set.value().chain.logs.empty()) return paths;
  const ChainLog& newest = set.value().chain.logs.back();
  DatabasePlaces nowhere;
  nowhere.named_only = true;
  AttachedDatabases databases(files, nowhere);
  LogLifecycle lifecycle(databases);
  const LogFileHeader& header = newest.header;
  if (Status s = lifecycle.begin(header.attachments, header); !s.ok()) return s.error();
  const Generation generation = header.fields.generation;
  LogReader reader([&](Generation wanted,
                       bool last) { return read_generation(files, set.value(), wanted, last); },
                   generation, generation);
  for (;;) {
    // What was known before a log ends in damage is better than nothing: whoever restores has lost
    // more than that.
    const auto record = reader.next();
    if (!record.ok() || !record.value()) break;
    if (!LogLifecycle::changes_attachments(record.value()->type())) continue;
    if (!lifecycle.follow(*record.value(), header).ok()) break;
  }
  for (const KnownDatabase& known : databases.all()) {
    const bool twice = std::find(paths.begin(), paths.end(), known.logged_path) != paths.end();
    if (!twice) paths.push_back(known.logged_path);
  }
  return paths;
}

}  // namespace stillframe::ese::ntds
