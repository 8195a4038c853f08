// Makes a verifier behind the C interface (<stillframe/verifier_plugin.h>) look like any other.
#pragma once

#include <memory>
#include <string>

#include <stillframe/verifier.hpp>
#include <stillframe/verifier_plugin.h>

namespace stillframe::requestor {

// not_supported when it speaks another version of the interface; invalid_argument when it is no
// verifier; else as load_symbol().
Result<std::unique_ptr<Verifier>> load_verifier(const BytePath& path);
// For those that are linked in, and for tests.
Result<std::unique_ptr<Verifier>> adopt_verifier(stillframe_verifier_entry_function entry,
                                                 const std::string& where);

}  // namespace stillframe::requestor
