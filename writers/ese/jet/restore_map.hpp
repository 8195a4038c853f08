// Restore maps: which file a database is that was elsewhere when the log was written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "writers/ese/backup/hard_restore.hpp"
#include "writers/ese/jet/answer.hpp"
#include "writers/ese/jet/parameters.hpp"
#include "writers/ese/jet/text.hpp"

namespace stillframe::ese::jet {

inline constexpr std::int32_t kRestoreMapMost = 14;

// Without it, an entry is of the database that its file is.
enum class LoggedPath { required, optional };

template <class Map>
Result<std::vector<RestoredPath>> restore_map_paths(const Map* map, std::int32_t count,
                                                    LoggedPath logged) {
  const auto invalid = [](const std::string& what) {
    return jet_error(JET_errInvalidParameter, what);
  };
  if (count < 0 || count > kRestoreMapMost || (map == nullptr) != (count == 0)) {
    return invalid("a restore map has a count of its entries, 14 at most");
  }
  std::vector<RestoredPath> paths;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::string before = utf8(map[i].szDatabaseName), now = utf8(map[i].szNewDatabaseName);
    if (before.empty() && logged == LoggedPath::required) {
      return invalid("an entry of the map does not say which database it is");
    }
    if (now.empty()) {
      return jet_error(JET_errDatabaseInvalidName, "'" + before + "' has no new path in the map");
    }
    paths.push_back({before, absolute_path(now)});
  }
  return paths;
}

// That nothing is meant twice.
inline Status check_restore_map(const std::vector<RestoredPath>& map) {
  for (auto each = map.begin(); each != map.end(); ++each) {
    const bool twice = std::any_of(map.begin(), each, [&](const RestoredPath& other) {
      return other.file == each->file || (!each->logged.empty() && other.logged == each->logged);
    });
    if (!twice) continue;
    return jet_error(JET_errInvalidParameter,
                     "the restore map has two entries for '" + each->file + "'");
  }
  return Ok{};
}

}  // namespace stillframe::ese::jet
