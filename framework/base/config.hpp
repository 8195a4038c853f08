// Configuration files: TOML, read strictly. A key that nobody asked for is an error, because a
// misspelt key that is ignored is a backup that does not do what its file says.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stillframe/result.hpp>

namespace stillframe {

inline constexpr std::size_t kConfigBytesMax = std::size_t{1} << 20;

struct ConfigNode;  // a parsed table

struct ConfigSource {
  std::string name;  // in messages
  std::string toml;
};

// One table of a file. Reads by name and remembers the first mistake of the whole file, so that a
// caller can read everything first and ask once, by finish(). Copies look at the same table.
class ConfigTable {
 public:
  // `source` names the file in messages.
  static Result<ConfigTable> parse(std::string_view toml, std::string_view source);
  // Several files as one: a later one's keys replace those of the ones before, [[tables]] add up.
  static Result<ConfigTable> parse_all(const std::vector<ConfigSource>& sources);

  bool has(const std::string& key) const;
  std::string text(const std::string& key, std::string fallback = {});
  std::string required_text(const std::string& key);
  bool flag(const std::string& key, bool fallback);
  std::int64_t number(const std::string& key, std::int64_t fallback, std::int64_t min,
                      std::int64_t max);
  // A number of milliseconds, from 1 to a day.
  std::chrono::milliseconds milliseconds(const std::string& key,
                                         std::chrono::milliseconds fallback);
  std::vector<std::string> texts(const std::string& key);
  ConfigTable table(const std::string& key);                // an empty one when it is not there
  std::vector<ConfigTable> tables(const std::string& key);  // [[key]]
  // Every key with its value, which must be texts.
  std::vector<std::pair<std::string, std::string>> all_texts();
  // A table that is handed on as it is, to whoever knows its keys: as the text of a JSON object,
  // "{}" when it is not there. All of it counts as read. Dates have no place in JSON.
  std::string json_object(const std::string& key);

  // Notes a mistake that the caller found in what it read.
  void reject(const std::string& key, const std::string& why);
  // The first mistake of the file, a key that was never read included.
  Status finish() const;

 private:
  struct Shared;
  ConfigTable(std::shared_ptr<Shared> shared, const ConfigNode* node)
      : shared_(std::move(shared)), node_(node) {}
  const ConfigNode* find(const std::string& key);

  std::shared_ptr<Shared> shared_;  // by all tables of one file, which any of them may outlive
  const ConfigNode* node_;
};

}  // namespace stillframe
