// What an administrator decides about a restore that was registered and that nobody completes:
// esectl restore abandon|resume FOLDER.
#pragma once

#include <string>

#include <stillframe/result.hpp>

#include "writers/ese/tool/verbs.hpp"

namespace stillframe::ese::tool {

bool is_restore_decision(const std::string& word);
// `logs` is the folder of the instance's logs. wrong_state while the instance runs, and where there
// is nothing to decide.
Result<Exit> decide_restore(Output& output, const std::string& word, const std::string& logs);

}  // namespace stillframe::ese::tool
