// The streaming path: writers deliver their files themselves, database first, then the logs that
// they name.
#pragma once

#include <stillframe/requestor.hpp>

#include "requestor/backup/copier.hpp"

namespace stillframe::requestor {

struct StreamedComponent {
  WriterInstanceId writer;
  const Component* component = nullptr;
  std::uint32_t manifest_index = 0;
  BackupType type = BackupType::full;
  bool has_logs = false;   // the writer can list_logs()
  bool elsewhere = false;  // it is on another machine, whose folders cannot be listed
};

// Copies every file of the component's data file sets.
Status stream_data(BackupSession& session, const StreamedComponent& component, Copier& copier);
// Asks for the logs and copies those. Ends the database phase of the writer's backup, so the data
// of all components of a set comes before. Answers the log range, for a restore's registration.
Result<LogList> stream_logs(BackupSession& session, const StreamedComponent& component,
                            Copier& copier);

}  // namespace stillframe::requestor
