// What every session works with. All of it outlives all sessions.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "framework/base/event_sink.hpp"
#include "framework/coordinator/journal/journal.hpp"
#include "framework/coordinator/machine/limits.hpp"
#include "framework/coordinator/provider_pool/provider_pool.hpp"
#include "framework/coordinator/runtime/runtime.hpp"
#include "framework/coordinator/session/declared_files.hpp"
#include "framework/coordinator/turns/turn_desk.hpp"
#include "framework/coordinator/volumes/volume_source.hpp"
#include "framework/coordinator/writers/heartbeat.hpp"
#include "framework/coordinator/writers/restore_claims.hpp"
#include "framework/coordinator/writers/writer_registry.hpp"
#include "framework/io/mounts.hpp"

namespace stillframe::coordinator {

struct Services {
  Runtime* runtime = nullptr;
  WriterRegistry* writers = nullptr;
  ProviderPool* providers = nullptr;
  TurnDesk* turns = nullptr;
  Journal* journal = nullptr;
  Worker* journal_worker = nullptr;  // the thread that waits for the journal's disk
  Worker* files_worker = nullptr;    // the thread that waits for writers' file systems
  Heartbeat* heartbeat = nullptr;
  RestoreClaims* restore_claims = nullptr;
  EventSink* events = nullptr;
  const Clock* clock = nullptr;
  std::function<Duration()> time_slept = time_machine_slept;
  FileRules file_rules;
  std::vector<BytePath> restore_roots;  // where every writer may be restored to
  VolumeSourceFactory look_at_volumes;
  std::function<Status(const BytePath& mount_point)> flush_volume = flush_file_system;
  BytePath exclude_from_snapshot;  // folder of the machine's lists
  machine::Limits limits;
  std::uint64_t copy_bytes_limit = 0;
  std::string host;
};

}  // namespace stillframe::coordinator
