// Opening names that come from documents or from other users' directories: nothing outside the
// root can be reached, by "..", by symbolic links, or by a link that is put there meanwhile.
#pragma once

#include <string_view>

#include <sys/types.h>

#include <stillframe/byte_path.hpp>
#include <stillframe/descriptor.hpp>
#include <stillframe/result.hpp>

namespace stillframe {

// Opens `relative` beneath the directory `root`; no component may be a symbolic link (the last one
// may with O_PATH | O_NOFOLLOW). "" opens the root again. Paths of any length.
Result<Descriptor> open_beneath(int root, std::string_view relative, int flags, mode_t mode = 0);

// The parent of `relative` beneath `root`, and the last name, for the *at() calls.
struct ParentBeneath {
  Descriptor directory;
  BytePath name;
};
Result<ParentBeneath> open_parent_beneath(int root, std::string_view relative);

// Creates the directory `relative` beneath `root` and what is missing on the way; links refuse.
Result<Descriptor> make_directories_beneath(int root, std::string_view relative, mode_t mode);

// Tests use the slow way, which kernels before 5.6 and some sandboxes need, also where openat2
// works.
enum class BeneathMethod { openat2_if_there, component_by_component };
Result<Descriptor> open_beneath_by(BeneathMethod method, int root, std::string_view relative,
                                   int flags, mode_t mode = 0);

}  // namespace stillframe
