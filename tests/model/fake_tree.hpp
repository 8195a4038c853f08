// A tree of files made of words.
#pragma once

#include <map>

#include "framework/base/path.hpp"
#include "framework/model/tree_reader.hpp"

namespace stillframe::tests {

class FakeTree : public TreeReader {
 public:
  FakeTree& directory(const BytePath& path) {
    if (directories_.contains(path)) return *this;
    directories_[path];
    if (path != "/") {
      directory(parent_path(path));
      add(path, {last_component(path), EntryType::directory, 0, {}});
    }
    return *this;
  }
  FakeTree& file(const BytePath& path, std::uint64_t size = 1, WallTime modified = {},
                 EntryType type = EntryType::file) {
    directory(parent_path(path));
    add(path, {last_component(path), type, size, modified});
    return *this;
  }

  Result<std::vector<TreeEntry>> list(const BytePath& path) override {
    if (failing_ == path) return Error(Errc::io, "cannot read '" + path + "'");
    const auto at = directories_.find(path);
    if (at == directories_.end()) return Error(Errc::not_found, "no directory '" + path + "'");
    ++lists;
    std::vector<TreeEntry> entries;
    for (const auto& [name, entry] : at->second) entries.push_back(entry);
    return entries;
  }
  Result<TreeEntry> stat(const BytePath& path) override {
    const auto at = directories_.find(parent_path(path));
    if (at != directories_.end()) {
      const auto entry = at->second.find(last_component(path));
      if (entry != at->second.end()) return entry->second;
    }
    return Error(Errc::not_found, "no file '" + path + "'");
  }

  void fail_at(BytePath path) { failing_ = std::move(path); }
  int lists = 0;

 private:
  void add(const BytePath& path, TreeEntry entry) {
    directories_[parent_path(path)][entry.name] = std::move(entry);
  }
  std::map<BytePath, std::map<BytePath, TreeEntry>> directories_;
  BytePath failing_ = "-";
};

}  // namespace stillframe::tests
