// Environment variables in a writer's paths.
#pragma once

#include <map>
#include <string>

#include <stillframe/byte_path.hpp>

namespace stillframe {

using Environment = std::map<std::string, std::string>;

// `${NAME}` and `$NAME` replaced by the writer's variables, `$$` by one dollar sign; slashes
// tidied. not_found for a variable that is not set, invalid_argument for a lone dollar sign and for
// a result that is no plain absolute path of at most kBytePathBytesMax bytes.
Result<BytePath> expand_path(const BytePath& path, const Environment& environment);

}  // namespace stillframe
