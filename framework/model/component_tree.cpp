#include "framework/model/component_tree.hpp"

#include <algorithm>
#include <numeric>

namespace stillframe {

ComponentTree::ComponentTree(const WriterMetadata& metadata) : metadata_(metadata) {
  full_names_.reserve(metadata.components.size());
  for (const Component& component : metadata.components) {
    full_names_.push_back(component.name.full());
  }
  by_full_name_.reserve(full_names_.size());
  for (std::size_t i = 0; i < full_names_.size(); ++i) by_full_name_.emplace(full_names_[i], i);
  sorted_.resize(full_names_.size());
  std::iota(sorted_.begin(), sorted_.end(), std::size_t{0});
  std::sort(sorted_.begin(), sorted_.end(),
            [this](std::size_t a, std::size_t b) { return full_names_[a] < full_names_[b]; });
}

std::optional<std::size_t> ComponentTree::find(std::string_view full_name) const {
  const auto at = by_full_name_.find(full_name);
  if (at == by_full_name_.end()) return std::nullopt;
  return at->second;
}

std::optional<std::size_t> ComponentTree::find(const ComponentName& name) const {
  return find(std::string_view(name.full()));
}

std::vector<std::size_t> ComponentTree::ancestors(std::size_t component) const {
  std::vector<std::size_t> out;
  std::string_view path = at(component).name.logical_path;
  while (!path.empty()) {
    if (const auto ancestor = find(path)) out.push_back(*ancestor);
    const auto slash = path.rfind('/');
    path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }
  return out;
}

std::optional<std::size_t> ComponentTree::selectable_ancestor(std::size_t component) const {
  for (const std::size_t ancestor : ancestors(component)) {
    if (at(ancestor).selectable_for_backup) return ancestor;
  }
  return std::nullopt;
}

std::vector<std::size_t> ComponentTree::with_descendants(std::size_t head) const {
  std::vector<std::size_t> out{head};
  // A name holds no slash, so whatever starts with this lies beneath.
  const std::string prefix = full_names_[head] + "/";
  auto at_or_after = std::lower_bound(
      sorted_.begin(), sorted_.end(), prefix,
      [this](std::size_t i, const std::string& text) { return full_names_[i] < text; });
  for (; at_or_after != sorted_.end() && full_names_[*at_or_after].starts_with(prefix);
       ++at_or_after) {
    out.push_back(*at_or_after);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace stillframe
