// An application in the test's process: an instance with a writer's care, and rows in it.
#pragma once

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "tests/ese/tool/esectl_runner.hpp"
#include "writers/ese/writer/hosted_instance.hpp"

namespace stillframe::ese::tests {

// With its logs in FOLDER/logs and databases FOLDER/one.edb and FOLDER/two.edb.
class HostedRows {
 public:
  explicit HostedRows(const std::string& folder);

  HostedInstance& hosted() { return hosted_; }
  std::string logs() const { return folder_ + "/logs"; }
  std::string database(int which) const { return folder_ + (which == 0 ? "/one.edb" : "/two.edb"); }

  // Open.
  void create();
  // Commits so many rows to each database.
  void add_rows(int count);
  int rows() const { return next_; }
  std::size_t finished_logs();
  // Shuts down, looks at the files, and opens again.
  void expect_rows(int rows) { expect_rows_each(rows, rows); }
  void expect_rows_each(int one, int two);
  // Ends as a kill would end it, and starts.
  void crash();

 private:
  const std::string folder_;
  std::unique_ptr<Files> files_ = posix_files();
  HostedInstance hosted_;
  int next_ = 0;
};

}  // namespace stillframe::ese::tests
