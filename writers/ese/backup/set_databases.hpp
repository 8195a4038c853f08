// Which databases a folder with a backup has, and what the logs call them.
#pragma once

#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

#include "framework/io/files.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese {

struct SetDatabase {
  std::string logged;  // its path at the time of the backup
  BytePath file;       // in the folder
  std::string name;    // the last part of that path, whichever slashes it has
};

struct LogsOfSet {
  std::string base;
  Generation low, high;
};

// By their markers; `without_markers`, a set without any may be one of Windows' own streaming
// backups: then the databases are the files whose headers say that they are copies.
// patch_file_missing for a set without databases, attached_database_mismatch for one that the logs
// do not know.
Result<std::vector<SetDatabase>> find_set_databases(Files& files, const BytePath& set,
                                                    const LogsOfSet& logs, bool without_markers);

// "x.edb" for "C:\db\x.edb" and for "/db/x.edb".
std::string name_of_logged_path(const std::string& logged);

// The base name of the finished logs in a folder: a set need not have a checkpoint, nor a log that
// is still written. not_found without any, invalid_argument with those of several.
Result<std::string> base_of_finished_logs(Files& files, const BytePath& folder);

}  // namespace stillframe::ese
