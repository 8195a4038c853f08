// A directory in this process: an instance that was made with JetCreateInstance.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "writers/ese/jet/jet_instance.hpp"
#include "writers/ese/ntds/directory_service.hpp"

namespace stillframe::ese::ntds {

std::unique_ptr<DirectoryService> serve_instance(std::shared_ptr<jet::JetInstance> instance);

// The server that a call names. RPC_S_INVALID_BINDING, hrCouldNotConnect.
Result<std::unique_ptr<DirectoryService>> find_server(const std::string& name);
// The same in this process alone.
Result<std::shared_ptr<jet::JetInstance>> find_instance(const std::string& name);

// The parts of such a service. hrAfterInitialization, or NotInitialized, in the wrong mode.
Result<std::unique_ptr<StagedBackup>> back_up_instance(std::shared_ptr<jet::JetInstance> instance);
// `user`: who it is for, at the other end of a channel; none: whoever calls in this process.
Result<std::unique_ptr<StagedRestore>> restore_instance(std::shared_ptr<jet::JetInstance> instance,
                                                        Bytes token, std::optional<uid_t> user);

// Its folders, and these databases.
std::vector<ListedFile> locations_of(jet::JetInstance& instance,
                                     const std::vector<std::string>& databases);

}  // namespace stillframe::ese::ntds
