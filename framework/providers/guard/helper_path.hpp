// Where Stillframe's own helper programs are.
#pragma once

#include <string_view>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// The path of the program `name`: in `helper_dir` if that is given; else in $STILLFRAME_LIBEXEC
// (ignored in set-user-id programs), beside the running program, or in libexec/stillframe beside
// the bin/ or lib/ that this code was loaded from, the first that has it. not_found names every
// place that was tried.
Result<BytePath> find_helper(std::string_view name, const BytePath& helper_dir);

}  // namespace stillframe
