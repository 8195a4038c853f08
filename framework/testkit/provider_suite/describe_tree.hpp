// A directory tree as comparable text, so that a test can say "the snapshot is what was there" and
// print what is not.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::testkit {

struct DescribeOptions {
  bool directory_times = true;      // off where a test itself writes into directories
  std::vector<BytePath> leave_out;  // relative paths, with everything below
};

// Per path (relative, "" for the root): type, mode, owner, times, size, digest of the content,
// whether it is sparse, links to the same file, extended attributes, the no-copy-on-write flag.
using TreeDescription = std::map<BytePath, std::string>;
Result<TreeDescription> describe_tree(const BytePath& root, const DescribeOptions& options = {});

// Empty when equal; else the first few differences, one a line, paths escaped.
std::string differences(const TreeDescription& expected, const TreeDescription& actual);

}  // namespace stillframe::testkit
