// Which providers an embedded coordinator starts with.
#pragma once

#include <string>

#include <stillframe/embedded.hpp>

#include "framework/base/event_sink.hpp"
#include "framework/coordinator/provider_pool/provider_pool.hpp"

namespace stillframe::coordinator {

// Adds the built-in providers, each in a host process unless options.providers_in_process, and the
// command providers of the configuration. One that cannot start is no reason to do without the
// others: an event says so, and so does every plan that misses it. `events` outlives the pool.
void add_providers(ProviderPool& pool, const EmbeddedOptions& options, bool builtin,
                   EventSink& events, const std::string& host);

}  // namespace stillframe::coordinator
