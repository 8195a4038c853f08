// A writer in C++ behind the C interface, for plug-ins that are written in C++: c_writer.hpp the
// other way round.
#pragma once

#include <cstdint>
#include <memory>

#include <stillframe/plugin.h>
#include <stillframe/writer.hpp>

namespace stillframe::plugin {

// Fills in `table`, whose `destroy` ends the writer from then on. What the writer throws is its
// verb's failure (writer_fatal).
void export_writer(std::unique_ptr<Writer> writer, stillframe_writer& table);

// Says why a call failed, and answers its code.
std::int32_t report_failure(const Error& failure, stillframe_error* error) noexcept;

}  // namespace stillframe::plugin
