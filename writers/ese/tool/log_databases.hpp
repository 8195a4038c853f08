// The databases that a folder of logs has beside them, and what these need of the logs.
#pragma once

#include <string>
#include <vector>

#include "writers/ese/format/database_header.hpp"
#include "writers/ese/format/log_set.hpp"
#include "writers/ese/tool/fields.hpp"

namespace stillframe::ese::tool {

struct LogDatabase {
  std::string file;
  Result<DatabaseHeader> header;
};

// The files of `folder` that are databases, damaged ones too, and those at `more`, which are
// expected to be. Errors are those of listing the folder.
Result<std::vector<LogDatabase>> databases_beside(const std::string& folder,
                                                  const std::vector<std::string>& more);

struct DatabaseAnswer {
  Json json;
  bool usable = false;  // its header can be read, and the logs that it requires are there and whole
};

// `sets`: of the folder. The one of the database's signature is meant, or else the only one.
DatabaseAnswer database_answer(const LogDatabase& database, const std::vector<LogSet>& sets);

}  // namespace stillframe::ese::tool
