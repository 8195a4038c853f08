// Environment variables in a writer's paths.
#pragma once

#include <map>
#include <string>

#include <stillframe/writer_metadata.hpp>

namespace stillframe {

using Environment = std::map<std::string, std::string>;

// `${NAME}` and `$NAME` replaced by the writer's variables, `$$` by one dollar sign; any other
// dollar sign stays. Slashes are tidied. not_found for a variable that is not set, invalid_argument
// for a result that is no plain absolute path of at most kBytePathBytesMax bytes.
Result<BytePath> expand_path(const BytePath& path, const Environment& environment);

// A place as a path that expands to it, whatever the environment.
BytePath literal_path(const BytePath& place);

// Replaces the variables in every path of a metadata document, in the process that knows them, so
// that the document means the same everywhere and for ever. Dollar signs of the results are
// doubled: expand_path() gives the same place with any environment.
Status expand_metadata_paths(WriterMetadata& metadata, const Environment& environment);

}  // namespace stillframe
