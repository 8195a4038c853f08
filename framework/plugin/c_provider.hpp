// A provider behind the C interface.
#pragma once

#include <memory>

#include <stillframe/plugin.h>
#include <stillframe/provider.hpp>

#include "framework/plugin/c_glue.hpp"

namespace stillframe::plugin {

// invalid_argument when a function of the table is null or its info is unsound. Its `destroy` is
// called exactly once, also when this fails, unless its size makes no sense.
Result<std::unique_ptr<Provider>> wrap_provider(Table<stillframe_provider> table);

}  // namespace stillframe::plugin
