// Which files of a backup set a person named, when not all of a component is wanted.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <stillframe/byte_path.hpp>
#include <stillframe/writer_metadata.hpp>

#include "requestor/restore/chain_source.hpp"

namespace stillframe::requestor {

// A name is a path from the folder of the file set that has the file, or, with a slash in front,
// from the root as well; in each part of it `*` and `?` stand for what they usually do. One that
// names a folder names everything in it.
class FileChoice {
 public:
  explicit FileChoice(std::span<const BytePath> named);

  bool is_made() const noexcept { return !named_.empty(); }
  // Whether `path` is chosen, a file of a file set with this folder.
  bool takes(const BytePath& path, const BytePath& folder);
  // Whether the member's file sets have a file that is chosen.
  bool takes_any(const Component& member, const std::map<BytePath, StoredFile>& files);

  // Leaves the files that are chosen, and the folders on the way to them. Names without a slash in
  // front choose among the members' file sets.
  void keep_in(std::span<const Component* const> members, std::map<BytePath, StoredFile>& files);
  // A name that nothing was taken for.
  std::optional<BytePath> without_a_file() const;

 private:
  struct Name {
    BytePath text;
    std::vector<BytePath> parts;
    bool from_root = false;
    bool used = false;
  };
  std::vector<Name> named_;
};

// `options` for the writers of such files: with kBackupOption for each set of the chain, unless it
// is there already.
Result<std::string> options_with_sets(const std::string& options, const ChainSource& source);

}  // namespace stillframe::requestor
