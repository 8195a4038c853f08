// What a backup of a volume says of its store, so that a restore knows before it begins which one
// that is and whose key file opens it.
#pragma once

#include <string>
#include <string_view>

#include <stillframe/byte_path.hpp>
#include <stillframe/result.hpp>

namespace stillframe::dedup {

struct BackedUpStore {
  std::string store;  // UUID; empty: not known
  // Of an encrypted one: where the volume's settings say that its key file is, and the identity of
  // that. Never anything of its content.
  BytePath key_file;
  std::string key;

  bool encrypted() const { return !key_file.empty(); }
};

// By the settings and the store's own words, below the volume's own folder.
Result<BackedUpStore> store_of_volume(const BytePath& own);

// As the metadata of a component have it. What cannot be read says nothing.
std::string format_backed_up_store(const BackedUpStore& store);
BackedUpStore parse_backed_up_store(std::string_view metadata);

// Whether the file opens the store of the backup. The error says what to do about it.
Status expect_key_file(const BackedUpStore& store, const BytePath& key_file);

}  // namespace stillframe::dedup
