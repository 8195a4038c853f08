// In place of berkeley_store.cpp where the library is not installed.
#include "tests/bench/ese/berkeley_store.hpp"

namespace stillframe::ese::bench {

std::unique_ptr<MeasuredStore> make_berkeley_store() {
  return nullptr;
}

}  // namespace stillframe::ese::bench
