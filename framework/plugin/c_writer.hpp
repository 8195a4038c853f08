// A writer behind the C interface.
#pragma once

#include <memory>

#include <stillframe/plugin.h>
#include <stillframe/writer.hpp>

#include "framework/plugin/c_glue.hpp"

namespace stillframe::plugin {

// invalid_argument when the table lacks what every writer must have, or its identity is unsound.
// Its `destroy` is called exactly once, also when this fails, unless its size makes no sense.
Result<std::unique_ptr<Writer>> wrap_writer(Table<stillframe_writer> table);

}  // namespace stillframe::plugin
