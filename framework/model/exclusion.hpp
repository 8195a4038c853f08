// A writer's exclude list, ready to be asked about many files.
#pragma once

#include <vector>

#include <stillframe/writer_metadata.hpp>

#include "framework/model/environment.hpp"

namespace stillframe {

class ExclusionList {
 public:
  ExclusionList() = default;
  static Result<ExclusionList> make(const std::vector<ExcludedFiles>& excluded,
                                    const Environment& environment);

  // Whether the file `name` in `directory` (its normal place) is never backed up.
  bool excludes(const BytePath& directory, const BytePath& name) const;
  // Whether nothing in `directory` or beneath it is, so that nobody needs to look.
  bool excludes_all_beneath(const BytePath& directory) const;

 private:
  std::vector<ExcludedFiles> excluded_;  // with their paths expanded
};

}  // namespace stillframe
