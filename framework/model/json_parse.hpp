// JSON text as a value, with bounds. Exceptions of the library stay inside.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <stillframe/result.hpp>

namespace stillframe {

inline constexpr int kJsonDepthMax = 64;  // nested objects and arrays

// The value of `text`. corrupt for what is no JSON, for nesting beyond kJsonDepthMax and for an
// object with the same name twice; truncated when the text ends inside a value; limit_reached when
// it is longer than `bytes_max`.
Result<nlohmann::json> parse_json_text(std::string_view text, std::size_t bytes_max);

// Called with each element of an array that is a member of the outermost object, as soon as it is
// complete. The array itself arrives empty.
using JsonElementHandler =
    std::function<void(std::string_view array, std::size_t index, const nlohmann::json& element)>;

// parse_json_text() for documents with arrays too long to hold as one tree: those named by
// `streams` go to `handler` element by element.
Result<nlohmann::json> parse_json_streaming(std::string_view text, std::size_t bytes_max,
                                            bool (*streams)(std::string_view array),
                                            const JsonElementHandler& handler);

}  // namespace stillframe
