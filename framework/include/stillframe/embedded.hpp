// The coordinator inside your own process: for programs that are their own daemon, for tests, and
// for the command line's --embedded.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <stillframe/requestor.hpp>

namespace stillframe {

struct EmbeddedOptions {
  BytePath state_dir;    // journal and copies; empty: /var/lib/stillframe, or
                         // $XDG_STATE_HOME/stillframe without root
  BytePath runtime_dir;  // locks, records and exposures; empty: /run/stillframe, or
                         // $XDG_RUNTIME_DIR/stillframe
  BytePath
      socket_dir;  // listens for writers here (writer.sock); empty: only writers added in process
  BytePath
      helper_dir;  // provider and guard programs; empty: $STILLFRAME_LIBEXEC, else as installed
  std::vector<BytePath> command_providers;  // configuration files of command providers
  std::chrono::milliseconds hold_limit{60'000}, commit_limit{10'000}, lease{5'000};
  std::uint64_t copy_bytes_limit = std::uint64_t{64} << 30;
  bool providers_in_process = false;  // tests only: a crash of a provider is then ours
  std::function<void(std::string_view event_json)> on_event;
};

class EmbeddedCoordinator {
 public:
  // Takes the locks, recovers what an earlier run left (thaws, deletes orphaned snapshots), starts
  // listening. in_progress names the process that holds a lock.
  static Result<std::unique_ptr<EmbeddedCoordinator>> start(EmbeddedOptions options = {});
  virtual ~EmbeddedCoordinator() = default;  // aborts every session, thaws, joins

  // Both must outlive the coordinator. Before or between sessions. Declarative writers come from
  // load_declarative_writer().
  virtual Status add_writer(Writer& writer) = 0;
  virtual Status add_provider(Provider& provider) = 0;  // in process, beside the built-in ones

  // Waits until `count` writers, or all those named, have registered.
  virtual Status wait_writers(std::size_t count, std::chrono::milliseconds for_at_most) = 0;
  virtual Status wait_writers(const std::vector<std::string>& names,
                              std::chrono::milliseconds for_at_most) = 0;

  virtual std::unique_ptr<RequestorChannel> connect(std::string requestor_name = "embedded") = 0;
};

}  // namespace stillframe
