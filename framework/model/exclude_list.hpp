// The machine's own exclude lists, for files that no writer answers for: caches, scratch, images.
// What a list says never touches a file that a component claims (file_claims.hpp). Files of such
// lists are read by whoever makes the backup; docs/decisions/0028-whole-volumes.md has the rules.
#pragma once

#include <string_view>
#include <vector>

#include <stillframe/writer_metadata.hpp>

namespace stillframe {

inline constexpr std::size_t kExcludeListEntriesMax = 100'000;  // of one list, variables replaced

// What the two variables of a list stand for; each line that begins with one counts for every
// place.
struct MachinePlaces {
  std::vector<BytePath> homes;    // ${EVERY_HOME}
  std::vector<BytePath> volumes;  // ${EVERY_VOLUME}: mount points
};

// Reads one list. A line is `DIRECTORY/PATTERN`, or `DIRECTORY/**/PATTERN` for every directory
// beneath as well; only the last element holds ? and *. Blank lines and lines that begin with # say
// nothing; blanks at both ends of a line are dropped; bytes that are no text are escaped as in
// documents. Paths of the result are literal: they expand to themselves. invalid_argument names
// `list` and the line.
Result<std::vector<ExcludedFiles>> parse_exclude_list(std::string_view text, std::string_view list,
                                                      const MachinePlaces& places);

}  // namespace stillframe
