// Berkeley DB as a B-tree under transactions, each commit synced.
#pragma once

#include <memory>

#include "writers/ese/bench/measured_store.hpp"

namespace stillframe::ese::bench {

// None where this was built without it.
std::unique_ptr<MeasuredStore> make_berkeley_store();

}  // namespace stillframe::ese::bench
