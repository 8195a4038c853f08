// What a declarative writer's file says. docs/declarative_writers.md describes the file.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stillframe/writer_metadata.hpp>

namespace stillframe::script {

using Command = std::vector<std::string>;  // a program and its arguments; empty: none

struct Commands {
  Command session;  // resident, from prepare_snapshot to thaw
  Command prepare_backup, prepare_snapshot, freeze, thaw, post_snapshot, backup_complete, abort,
      shutdown, pre_restore, post_restore;
  friend bool operator==(const Commands&, const Commands&) = default;
};

struct Timeouts {
  std::chrono::milliseconds prepare{60'000};  // prepare_backup, prepare_snapshot
  std::chrono::milliseconds freeze{10'000};
  std::chrono::milliseconds thaw{5'000};
  std::chrono::milliseconds post{600'000};  // post_snapshot, backup_complete, abort, shutdown
  std::chrono::milliseconds restore{600'000};
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

struct ScriptConfig {
  WriterIdentity identity;
  std::string user;  // whom the commands run as; empty: as the writer's own process
  BytePath working_directory = "/";
  std::vector<std::pair<std::string, std::string>> environment;
  Commands commands;
  Timeouts timeouts;
  BytePath gate;  // directory of the restore interlock; empty: none
  RestorePolicy restore;
  BackupSchema schema;
  std::vector<Component> components;
  std::vector<ExcludedFiles> exclude, exclude_from_snapshot;
  std::vector<AlternateMapping> alternate_mappings;
  friend bool operator==(const ScriptConfig&, const ScriptConfig&) = default;
};

// `source` names the file in messages. invalid_argument names the line and what it must say.
Result<ScriptConfig> parse_script_config(std::string_view toml, std::string_view source);

}  // namespace stillframe::script
