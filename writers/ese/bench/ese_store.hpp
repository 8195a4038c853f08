// This project's engine, measured through what an application calls.
#pragma once

#include <memory>

#include "writers/ese/bench/measured_store.hpp"

namespace stillframe::ese::bench {

std::unique_ptr<MeasuredStore> make_ese_store();

}  // namespace stillframe::ese::bench
