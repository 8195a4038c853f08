// Where the files of a server are that does not run.
#pragma once

#include <string>
#include <vector>

#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/instance/instance_options.hpp"

namespace stillframe::ese::ntds {

// The databases that were attached in its newest log; none if there are no logs.
Result<std::vector<std::string>> databases_in_log(Files& files, const InstanceOptions& options);

}  // namespace stillframe::ese::ntds
