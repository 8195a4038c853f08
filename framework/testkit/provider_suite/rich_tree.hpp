// A tree with everything a file system can say about a file.
#pragma once

#include <cstdint>
#include <string>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::testkit {

// Below `root`, which must exist: names that are not UTF-8 or hold newlines, the longest names, a
// path longer than PATH_MAX, holes, hard links, links, a fifo, extended attributes, ACLs,
// nanosecond times and, as root, devices, foreign owners and capabilities.
Status build_rich_tree(const BytePath& root);

Status put_file(const BytePath& path, const std::string& content, std::uint64_t offset = 0);
Result<std::string> get_file(const BytePath& path);

}  // namespace stillframe::testkit
