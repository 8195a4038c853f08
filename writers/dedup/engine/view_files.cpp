#include "writers/dedup/engine/view_files.hpp"

namespace stillframe::dedup {

JobFiles::Use ViewFiles::use_of(dev_t device, ino_t number) const {
  switch (view_.use_of(device, number)) {
    case View::Use::read:
      return Use::read;
    case View::Use::written:
      return Use::written;
    case View::Use::closed:
      break;
  }
  // Root may have it open below.
  return Use::ask_the_kernel;
}

}  // namespace stillframe::dedup
