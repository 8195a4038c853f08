// Verbs said to a writer, and its answers, as messages.
#pragma once

#include <vector>

#include "framework/model/writer_call.hpp"
#include "framework/wire/frame.hpp"

namespace stillframe::wire {

// invalid_argument when the arguments are not those of the verb.
Result<RawMessage> encode_call(const WriterCall& call, std::uint64_t sequence);
Result<WriterCall> decode_call(const RawMessage& message);

// `answer.descriptors` travel beside the message and come back through decode_answer(). An answer
// whose payload does not fit the verb is encoded as the failure it is.
RawMessage encode_answer(Verb verb, const WriterAnswer& answer, std::uint64_t sequence);
Result<WriterAnswer> decode_answer(Verb verb, const RawMessage& message,
                                   std::vector<Descriptor> descriptors);

// Whether `args` is what `verb` takes, and `payload` what it answers.
bool args_fit(Verb verb, const WriterArgs& args) noexcept;
bool payload_fits(Verb verb, const WriterPayload& payload) noexcept;

}  // namespace stillframe::wire
