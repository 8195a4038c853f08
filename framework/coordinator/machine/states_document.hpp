#pragma once

#include <string>

#include "framework/coordinator/machine/table.hpp"

namespace stillframe::machine {

// docs/states.md: phases, rows and defaults of `table` as Markdown.
std::string states_document(const Table& table);

}  // namespace stillframe::machine
