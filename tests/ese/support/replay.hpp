// The pages that a log makes out of nothing, for comparing them with those that the engine has.
#pragma once

#include <map>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/engine/log_directory.hpp"
#include "writers/ese/format/small_types.hpp"

namespace stillframe::ese::tests {

using ReplayedPages = std::map<Pgno, std::vector<std::byte>>;

// Of a log that has made its database from the first page on, and that undoes nothing.
Result<ReplayedPages> replay_log(Files& files, const LogDirectoryOptions& options,
                                 std::size_t page_bytes);

}  // namespace stillframe::ese::tests
