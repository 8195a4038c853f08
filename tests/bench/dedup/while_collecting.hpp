// How much slower a store takes data while a collection goes through it.
#pragma once

#include <string>

namespace stillframe::dedup::bench {

struct CollectingSpeeds {
  std::string error;
  // GB a second of the thread that writes, running or held up; what it waited for a processor that
  // others had is not counted.
  double alone = 0, beside = 0;
  double slower_by() const { return 1 - beside / alone; }
};

// `folder` exists and is empty; the bytes come from this file.
CollectingSpeeds write_while_collecting(const std::string& folder, const std::string& file);

}  // namespace stillframe::dedup::bench
