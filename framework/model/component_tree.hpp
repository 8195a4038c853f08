// A writer's components as the tree that their logical paths make.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <stillframe/writer_metadata.hpp>

namespace stillframe {

// Components are named by their index in the metadata, which must outlive the tree. Ancestors of a
// component are those whose full name is its logical path or a prefix of it by whole elements.
class ComponentTree {
 public:
  explicit ComponentTree(const WriterMetadata& metadata);

  std::optional<std::size_t> find(const ComponentName& name) const;
  std::optional<std::size_t> find(std::string_view full_name) const;

  // Nearest first.
  std::vector<std::size_t> ancestors(std::size_t component) const;
  // The nearest ancestor that is selectable for backup: the head of the set it is a member of.
  std::optional<std::size_t> selectable_ancestor(std::size_t component) const;

  // The component and all its descendants at any depth, in the order of the metadata.
  std::vector<std::size_t> with_descendants(std::size_t head) const;

  const WriterMetadata& metadata() const { return metadata_; }
  const Component& at(std::size_t component) const { return metadata_.components[component]; }

 private:
  const WriterMetadata& metadata_;
  std::vector<std::string> full_names_;
  std::unordered_map<std::string_view, std::size_t> by_full_name_;
  std::vector<std::size_t> sorted_;  // by full name, which puts descendants side by side
};

}  // namespace stillframe
