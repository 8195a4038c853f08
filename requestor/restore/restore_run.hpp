// One restore from the stored documents to the report: what `stillframe restore` does, for programs
// too.
#pragma once

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <stillframe/requestor.hpp>

#include "requestor/backup/backup_run.hpp"
#include "requestor/restore/boot_restore.hpp"
#include "requestor/restore/chain_source.hpp"
#include "requestor/restore/service_control.hpp"

namespace stillframe::requestor {

struct RestoreRequest {
  BytePath set;                         // folder of the set; what it builds on lies beside it
  std::vector<std::string> components;  // "WRITER:COMPONENT" or "COMPONENT"; empty: all
  // Members of a set to bring back alone, with the head's full name.
  std::vector<std::pair<std::string, ComponentName>> subcomponents;
  std::vector<std::pair<BytePath, BytePath>> moves;  // original directory to the one to use instead
  // Only these files, as file_choice.hpp names them: to `into`, or where `moves` has them go. Their
  // writer is told where the sets are, as the option kBackupOption.
  std::vector<BytePath> files;
  BytePath into;
  std::string writer_options;
  std::string target_instance;  // move to another instance of the class, by instance name
  bool authoritative = false;
  bool additional_restores = false;
  std::optional<RollForward> roll_forward;
  std::string roll_forward_point;
  std::string restore_name;
  bool keep_old_files = false;  // leave what was moved aside
  bool simulate = false;        // check everything, change nothing, tell no writer but to identify
  RestoreOptions options;
  ServiceControl services = service_control({});
  BytePath pending = default_pending_folder();  // of restores that wait for the next boot
};

struct RestoredPlan {  // of a simulation: what would be written where
  std::string component;
  std::vector<std::pair<BytePath, BytePath>> files;  // original path, place
  std::string problem;                               // why it could not be restored; empty: it can
};

struct RestoreOutcome {
  RestoreReport report;
  std::vector<RestoredPlan> plan;  // of a simulation
  std::vector<WriterStatus> writers;
  std::vector<std::string> remarks;  // of writers, about what they did with the files
  bool waits_for_boot = false;       // files are staged; finish_staged() puts them in place
  bool wants_reboot = false;         // a writer asks for one, or files wait for it
  Status finish = Ok{};              // the first component or writer that failed
};

// An error means that nothing was registered with any writer and no file was touched.
Result<RestoreOutcome> run_restore(Client& client, const RestoreRequest& request,
                                   RunObserver& observer, std::stop_token stop = {});

// The files alone, beneath `folder`, each at its full original path; no writer is asked. Existing
// files are never replaced. `chosen`: as RestoreRequest::files; empty: all.
struct ExtractOutcome {
  std::uint64_t files = 0, bytes = 0;
};
Result<ExtractOutcome> extract_set(const BytePath& set, const BytePath& folder,
                                   RunObserver& observer, std::stop_token stop = {},
                                   const std::vector<BytePath>& chosen = {});

}  // namespace stillframe::requestor
