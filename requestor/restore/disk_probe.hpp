// What the planner asks of the disk: whether a file is there and whether it may be replaced.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "framework/io/open_files.hpp"
#include "framework/model/restore_plan.hpp"

namespace stillframe::requestor {

// Replacing is a rename here and would always succeed; but a program that has the old file open
// would go on with it and never see the new one. So a file that anybody has open or mapped is not
// replaceable, as it would not be under Windows.
class DiskProbe final : public RestoreTargetProbe {
 public:
  Result<bool> exists(const BytePath& path) override;
  Result<bool> can_replace(const BytePath& path) override;

  // Why the last file that cannot be replaced cannot; empty when there was none.
  const std::string& obstacle() const noexcept { return obstacle_; }

 private:
  bool is_open(const FileIdentity& file);

  std::optional<std::set<FileIdentity>> open_;  // of all processes; looked up once
  std::string obstacle_;
};

}  // namespace stillframe::requestor
