// One verb, as a value, said to a Writer.
#pragma once

#include <stillframe/writer.hpp>

#include "framework/model/writer_call.hpp"

namespace stillframe {

// Whether the writer may be asked: its capability covers the verb and the arguments are the verb's.
Status check_call(const WriterIdentity& identity, const WriterCall& call);

// Calls the writer and wraps what it says. Whatever it throws becomes writer_fatal. The statement
// of thaw and the descriptors of open_stream are the caller's business.
WriterAnswer dispatch(Writer& writer, const CallContext& context, const WriterCall& call);

}  // namespace stillframe
