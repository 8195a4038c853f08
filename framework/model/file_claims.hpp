// Which files the components of present writers claim, whatever a backup selects of them.
#pragma once

#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <stillframe/writer_metadata.hpp>

namespace stillframe {

// By the text of their paths, with the alternate paths where copies are read; exclude lists play no
// part: a writer that excludes a file has an opinion about it.
class FileClaims {
 public:
  // Metadata as the SDK made it: without variables.
  static Result<FileClaims> make(std::span<const WriterMetadata* const> writers);

  // Whether some file set holds the file `name` in `directory`. Takes as many steps as the
  // directory is deep, and patterns are there.
  bool claims(const BytePath& directory, const BytePath& name) const;

 private:
  struct Names {
    std::unordered_set<BytePath> literal;
    std::vector<BytePath> patterns;
    bool hold(const BytePath& name) const;
    void add(const BytePath& pattern);
  };
  struct Directory {
    Names here;      // of flat file sets
    Names anywhere;  // of recursive ones
  };
  Status add(const BytePath& path, const FileSet& files);

  std::unordered_map<BytePath, Directory> directories_;
};

}  // namespace stillframe
