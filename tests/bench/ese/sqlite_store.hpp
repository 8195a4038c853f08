// SQLite with a write-ahead log, each commit synced.
#pragma once

#include <memory>

#include "writers/ese/bench/measured_store.hpp"

namespace stillframe::ese::bench {

std::unique_ptr<MeasuredStore> make_sqlite_store();

}  // namespace stillframe::ese::bench
