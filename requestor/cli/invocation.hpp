// One command line, understood.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <stillframe/requestor.hpp>

namespace stillframe::cli {

// Options of every verb; they may stand before and after it.
struct GlobalOptions {
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool embedded = false;
  BytePath socket_dir;
  std::string host;               // whose coordinator, by "HOST[:PORT]"; empty: this machine's
  BytePath certificate, key, ca;  // of ours, and whom to believe, for that; empty: as configured
  BytePath config;
  std::chrono::milliseconds wait_writers{2'000};
  std::vector<std::string> expect;           // writers to wait for, by instance name
  std::chrono::milliseconds timeout{5'000};  // to connect
  // Of an embedded coordinator, from the configuration file only.
  BytePath state_dir, runtime_dir, helper_dir;
  std::vector<BytePath> writer_configs, command_providers;
  // Of restores that stop and start services, from the configuration file only.
  std::vector<std::string> service_command;
  std::chrono::milliseconds service_timeout{120'000};
};

// Which components and volumes a verb is about.
struct SelectionOptions {
  std::vector<std::string> components;  // "[WRITER:]COMPONENT"
  std::vector<std::string> exclude;     // writers
  std::vector<BytePath> volumes;
  bool no_writers = false;  // volumes only, crash-consistent
  ConsistencyPolicy policy = ConsistencyPolicy::require;
  std::string provider;
  std::string writer_options;
};

struct SnapshotVerbOptions {
  std::string id;
  BytePath place;
  bool all = false;
  bool oldest = false;
  bool force = false;
  bool writable = false;
  bool yes = false;
  bool rollback = false;
  bool no_auto_recovery = false;
  bool differential = false;
  bool clone = false;
  BytePath environment_file;  // ids as shell assignments
};

struct BackupVerbOptions {
  BytePath store;
  BackupType type = BackupType::full;
  bool streams = false;
  bool bootable = false;
  int threads = 2;
  std::string chain_owner;
  std::vector<std::string> verifiers;  // files of shared objects
};

struct RestoreVerbOptions {
  BytePath set;  // or the folder to resume or abandon
  BytePath extract_to;
  std::vector<std::string> moves;  // "FROM=TO"
  std::vector<std::string> only;   // "HEAD=MEMBER": members of a set
  std::vector<BytePath> files;     // only these
  BytePath into;                   // where they go
  std::string token, name, point, instance, roll_forward;
  std::optional<std::string> authority_expires;
  bool authoritative = false;
  bool more_follow = false;
  bool simulate = false;
  bool keep_old = false;
  bool no_services = false;
  bool allow_start = false;
  bool now = false;   // finish-staged: without waiting for the boot
  bool list = false;  // finish-staged: only look
  std::chrono::milliseconds wait_start{0};
};

struct ExecVerbOptions {
  bool in_place = false;
  BytePath manifest;
  BytePath evidence;  // written there when the command has ended
  BackupType type = BackupType::copy;
};

struct EventVerbOptions {
  std::string session;
  EventLevel level = EventLevel::info;  // and worse
  std::size_t limit = 100;
  bool follow = false;
};

struct DoctorVerbOptions {
  BytePath daemon_config;  // that the daemon reads; empty: its usual one
};

struct Invocation {
  std::string verb;  // "backup", "snapshot create", ...
  GlobalOptions global;
  SelectionOptions selection;
  SnapshotVerbOptions snapshot;
  BackupVerbOptions backup;
  RestoreVerbOptions restore;
  ExecVerbOptions exec;
  EventVerbOptions events;
  DoctorVerbOptions doctor;
  std::chrono::milliseconds hold_limit{0}, commit_limit{0}, queue_wait{600'000};
  bool metadata = false;             // writers: everything they say
  bool timeline = false;             // show
  std::string argument;              // the verb's one argument: a set, a session, a shell
  std::vector<std::string> command;  // after "--"
};

}  // namespace stillframe::cli
