#pragma once

#include <vector>

#include "framework/coordinator/machine/table.hpp"

namespace stillframe::machine {

// Every row of the session table, in the order of the documentation.
std::vector<Row> session_rows();

}  // namespace stillframe::machine
