// A whole coordinator, put together: what the embedded one and the daemon have in common.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <stillframe/writer.hpp>

#include "framework/base/event_sink.hpp"
#include "framework/coordinator/machine/limits.hpp"
#include "framework/coordinator/provider_pool/provider_pool.hpp"
#include "framework/coordinator/session/declared_files.hpp"
#include "framework/coordinator/volumes/volume_source.hpp"
#include "framework/coordinator/writers/writer_registry.hpp"
#include "framework/providers/guard/held_record.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::coordinator {

inline constexpr const char* kVersion = "0.1.0";

std::string this_host();

struct CoordinatorOptions {
  BytePath state_dir;           // the journal, and the lock that keeps a second coordinator out
  BytePath runtime_dir;         // locks and exposures
  EventSink* events = nullptr;  // outlives the coordinator
  machine::Limits limits;
  std::uint64_t copy_bytes_limit = 0;
  BytePath exclude_from_snapshot;                         // folder of the machine's lists
  VolumeSourceFactory look_at_volumes;                    // empty: the machine's mounts
  std::function<Duration()> time_slept;                   // empty: the machine's
  Duration shutdown_patience = std::chrono::seconds(60);  // for sessions to end

  FileRules file_rules;                 // which files a writer may declare; none: all of them
  std::vector<BytePath> restore_roots;  // where every writer may be restored to
  // Thaws what an earlier run left frozen. Empty: what the record in runtime_dir lists.
  std::function<Result<std::vector<guard::RecordedThaw>>()> thaw_leftovers;
  // Adds the providers that are there from the start.
  std::function<void(ProviderPool&)> add_providers;
  // Writes a volume's dirty pages out. Empty: syncfs() by this process.
  std::function<Status(const BytePath& mount_point)> flush_volume;
};

class Coordinator {
 public:
  // Takes the lock, thaws what an earlier run left frozen, opens the journal, deletes orphaned
  // snapshots. in_progress names the process that holds the lock.
  static Result<std::unique_ptr<Coordinator>> start(CoordinatorOptions options);
  virtual ~Coordinator() = default;  // close(), then joins

  // Ends every session: writers thaw, requests are refused from here on. Servers that bring writers
  // and requestors go after this and before the destructor.
  virtual void close() = 0;

  virtual Status add_writer(Writer& writer) = 0;  // in process; outlives the coordinator
  virtual Status add_writer(std::shared_ptr<WriterLink> link) = 0;
  virtual Status add_provider(std::shared_ptr<Provider> provider) = 0;  // in process
  // One of `add_providers` that could not be started then, by the name it was given there. Nothing
  // happens when it could; blocks as long as its start.
  virtual Status add_provider_again(const std::string& name) = 0;

  // Whether a writer is held now.
  virtual bool holding() const = 0;
  // Whether the threads that run sessions get to what they are asked within `patience`.
  virtual bool responds_within(Duration patience) = 0;

  virtual WriterRegistry& writers() = 0;
  // Shared with channels, which may outlive the coordinator: they are then refused.
  virtual std::shared_ptr<RequestorHandler> requests() = 0;
};

}  // namespace stillframe::coordinator
