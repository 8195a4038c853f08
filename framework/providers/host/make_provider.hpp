// Providers by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "framework/providers/builtin.hpp"

namespace stillframe {

// The built-in ones, the most preferred first.
std::vector<std::string> builtin_provider_names();

// A built-in one, or "command:/path/of/its/file.toml". not_found lists the names there are.
Result<std::unique_ptr<Provider>> make_provider(std::string_view name,
                                                ProviderEnvironment environment);

}  // namespace stillframe
