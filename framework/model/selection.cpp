#include "framework/model/selection.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "framework/model/component_tree.hpp"

namespace stillframe {
namespace {

// How exactly a selector names a component; more exact ones decide the settings.
enum class Exactness { everything = 0, prefix = 1, full_name = 2 };

struct Choice {
  Exactness exactness;
  const ComponentSelector* selector;
  bool mandatory;
};

using Writers = std::span<const WriterMetadata* const>;

std::string describe(const ComponentSelector& selector) {
  return "selector '" + (selector.writer.empty() ? "" : selector.writer + ":") +
         selector.component + "'";
}

std::string describe(const WriterMetadata& writer) {
  const WriterIdentity& identity = writer.identity;
  return identity.instance_name.empty() ? identity.name
                                        : identity.name + " (" + identity.instance_name + ")";
}

Error refused(const ComponentSelector& selector, Errc code, const std::string& why) {
  return {code, describe(selector) + ": " + why};
}

bool same_settings(const ComponentSelector& a, const ComponentSelector& b) {
  return a.policy == b.policy && a.options == b.options && a.base == b.base;
}

class Selector {
 public:
  Selector(Writers writers, const std::vector<std::string>& exclude_writers)
      : writers_(writers), choices_(writers.size()) {
    for (std::size_t w = 0; w < writers.size(); ++w) {
      trees_.push_back(std::make_unique<ComponentTree>(*writers[w]));
      const bool out =
          std::any_of(exclude_writers.begin(), exclude_writers.end(),
                      [&](const auto& text) { return names_writer(*writers[w], text); });
      if (!out) taking_part_.push_back(w);
    }
  }

  Status add(const ComponentSelector& selector) {
    if (selector.component.empty()) {
      return refused(selector, Errc::invalid_argument,
                     "names no component; \"*\" stands for all of a writer");
    }
    auto writers = fitting_writers(selector);
    if (!writers.ok()) return writers.error();
    if (selector.component == "*") return add_everything(selector, writers.value());
    if (selector.component.ends_with('/')) return add_prefix(selector, writers.value());
    return add_full_name(selector, writers.value());
  }

  Result<Selection> finish() {
    add_mandatory();
    if (Status s = refuse_members_beside_their_heads(); !s.ok()) return s.error();
    return build();
  }

 private:
  // The writers a selector's first half fits. Several are fine only when it names none of them.
  Result<std::vector<std::size_t>> fitting_writers(const ComponentSelector& selector) const {
    if (selector.writer.empty()) return taking_part_;
    std::vector<std::size_t> fitting;
    std::string names;
    for (const std::size_t w : taking_part_) {
      if (!names_writer(*writers_[w], selector.writer)) continue;
      fitting.push_back(w);
      names += (names.empty() ? "" : ", ") + describe(*writers_[w]);
    }
    if (fitting.size() > 1) {
      return refused(selector, Errc::invalid_argument,
                     "the writer is ambiguous: " + names + "; use an instance name or id");
    }
    if (fitting.empty()) return refused(selector, Errc::not_found, no_such_writer());
    return fitting;
  }

  std::string no_such_writer() const {
    std::string names;
    for (const std::size_t w : taking_part_) {
      names += (names.empty() ? "" : ", ") + describe(*writers_[w]);
    }
    return "no such writer; there are " + (names.empty() ? "none" : names);
  }

  // Two selectors that are equally exact must want the same of a component.
  Status choose(std::size_t writer, std::size_t component, Choice choice) {
    auto [at, inserted] = choices_[writer].try_emplace(component, choice);
    if (inserted || at->second.exactness > choice.exactness) return Ok{};
    if (at->second.exactness < choice.exactness) {
      at->second = choice;
    } else if (!same_settings(*at->second.selector, *choice.selector)) {
      return refused(*choice.selector, Errc::invalid_argument,
                     "contradicts " + describe(*at->second.selector) + " about component '" +
                         name_of(writer, component) + "'");
    }
    return Ok{};
  }

  Status add_everything(const ComponentSelector& selector,
                        const std::vector<std::size_t>& writers) {
    for (const std::size_t w : writers) {
      for (std::size_t c = 0; c < count(w); ++c) {
        if (trees_[w]->selectable_ancestor(c)) continue;
        if (Status s = choose(w, c, {Exactness::everything, &selector, false}); !s.ok()) return s;
      }
    }
    return Ok{};
  }

  // The topmost components beneath the prefix that can stand for themselves.
  Status add_prefix(const ComponentSelector& selector, const std::vector<std::size_t>& writers) {
    std::set<std::size_t> hit;
    for (const std::size_t w : writers) {
      for (std::size_t c = 0; c < count(w); ++c) {
        if (!is_explicit_beneath(w, c, selector.component)) continue;
        hit.insert(w);
        if (Status s = choose(w, c, {Exactness::prefix, &selector, false}); !s.ok()) return s;
      }
    }
    if (hit.empty()) {
      return refused(selector, Errc::not_found,
                     "no component beneath it can be backed up on its own");
    }
    if (hit.size() > 1) {
      return refused(selector, Errc::invalid_argument,
                     "several writers have components beneath it; name the writer too");
    }
    return Ok{};
  }

  bool is_explicit_beneath(std::size_t w, std::size_t c, const std::string& prefix) const {
    if (!name_of(w, c).starts_with(prefix)) return false;
    const auto head = trees_[w]->selectable_ancestor(c);
    if (!head) return true;
    // A head that lies beneath the prefix as well brings it along.
    return trees_[w]->at(c).selectable_for_backup && !name_of(w, *head).starts_with(prefix);
  }

  Status add_full_name(const ComponentSelector& selector, const std::vector<std::size_t>& writers) {
    std::optional<std::size_t> writer, component;
    for (const std::size_t w : writers) {
      const auto found = trees_[w]->find(std::string_view(selector.component));
      if (!found) continue;
      if (writer) {
        return refused(selector, Errc::invalid_argument,
                       "the component is ambiguous: " + describe(*writers_[*writer]) + " and " +
                           describe(*writers_[w]) + " have one; name the writer too");
      }
      writer = w;
      component = found;
    }
    if (!writer) return refused(selector, Errc::not_found, "there is no such component");
    if (const auto head = trees_[*writer]->selectable_ancestor(*component);
        head && !trees_[*writer]->at(*component).selectable_for_backup) {
      return refused(
          selector, Errc::invalid_argument,
          "it is only ever backed up together with '" + name_of(*writer, *head) + "'; select that");
    }
    return choose(*writer, *component, {Exactness::full_name, &selector, false});
  }

  // What is not selectable and in no set goes along with anything else of its writer, under the
  // settings of what brought the writer in, except its options and base, which were for that
  // component.
  void add_mandatory() {
    for (std::size_t w = 0; w < writers_.size(); ++w) {
      if (choices_[w].empty()) continue;
      const Choice brought_in = choices_[w].begin()->second;
      for (std::size_t c = 0; c < count(w); ++c) {
        if (trees_[w]->at(c).selectable_for_backup || trees_[w]->selectable_ancestor(c)) continue;
        choices_[w].try_emplace(c, Choice{brought_in.exactness, brought_in.selector, true});
      }
    }
  }

  // A member that its head brings along must not be chosen too: one of the two settings would be
  // lost without a word.
  Status refuse_members_beside_their_heads() const {
    for (std::size_t w = 0; w < writers_.size(); ++w) {
      for (const auto& [component, choice] : choices_[w]) {
        const auto head = chosen_head(w, component);
        if (!head) continue;
        return refused(*choice.selector, Errc::invalid_argument,
                       "component '" + name_of(w, component) + "' already comes with '" +
                           name_of(w, *head) + "'; select one of the two");
      }
    }
    return Ok{};
  }

  std::optional<std::size_t> chosen_head(std::size_t w, std::size_t component) const {
    for (const std::size_t ancestor : trees_[w]->ancestors(component)) {
      if (trees_[w]->at(ancestor).selectable_for_backup && choices_[w].contains(ancestor)) {
        return ancestor;
      }
    }
    return std::nullopt;
  }

  Selection build() const {
    Selection selection;
    for (std::size_t w = 0; w < writers_.size(); ++w) {
      std::vector<bool> covered(count(w), false);
      for (const auto& [component, choice] : choices_[w]) {
        SelectedComponent selected = explicit_component(w, component, choice);
        covered[component] = true;
        for (const std::size_t member : selected.implicit) covered[member] = true;
        selection.components.push_back(std::move(selected));
      }
      list_left_out(w, covered, selection.left_out);
    }
    return selection;
  }

  SelectedComponent explicit_component(std::size_t w, std::size_t component,
                                       const Choice& choice) const {
    SelectedComponent selected;
    selected.writer = w;
    selected.component = component;
    selected.mandatory = choice.mandatory;
    selected.policy = choice.selector->policy;
    if (!choice.mandatory) {
      selected.options = choice.selector->options;
      selected.base = choice.selector->base;
    }
    if (trees_[w]->at(component).selectable_for_backup) {
      selected.implicit = trees_[w]->with_descendants(component);
      std::erase(selected.implicit, component);
    }
    return selected;
  }

  void list_left_out(std::size_t w, const std::vector<bool>& covered,
                     std::vector<LeftOutComponent>& out) const {
    const bool takes_part = std::binary_search(taking_part_.begin(), taking_part_.end(), w);
    for (std::size_t c = 0; c < count(w); ++c) {
      if (covered[c]) continue;
      const auto head = trees_[w]->selectable_ancestor(c);
      const bool alone = trees_[w]->at(c).selectable_for_backup || !head;
      out.push_back({w, c,
                     !takes_part ? "its writer is excluded"
                     : alone     ? "not selected"
                                 : "only backed up together with '" + name_of(w, *head) + "'"});
    }
  }

  std::size_t count(std::size_t w) const { return writers_[w]->components.size(); }
  std::string name_of(std::size_t w, std::size_t c) const { return trees_[w]->at(c).name.full(); }

  const Writers writers_;
  std::vector<std::unique_ptr<ComponentTree>> trees_;
  std::vector<std::size_t> taking_part_;                // sorted
  std::vector<std::map<std::size_t, Choice>> choices_;  // by writer, then by component
};

}  // namespace

bool names_writer(const WriterMetadata& writer, const std::string& text) {
  if (text.empty()) return false;
  if (text == writer.identity.name || text == writer.identity.instance_name) return true;
  const auto bytes = parse_uuid(text);
  return bytes.ok() && (bytes.value() == writer.identity.class_id.bytes() ||
                        bytes.value() == writer.instance.bytes());
}

Result<Selection> select_components(Writers writers, std::span<const ComponentSelector> selectors,
                                    const std::vector<std::string>& exclude_writers) {
  Selector selector(writers, exclude_writers);
  for (const ComponentSelector& one : selectors) {
    if (Status s = selector.add(one); !s.ok()) return s.error();
  }
  return selector.finish();
}

std::vector<BackupComponent> make_backup_components(Writers writers, const Selection& selection) {
  std::vector<BackupComponent> entries;
  for (const SelectedComponent& selected : selection.components) {
    const WriterMetadata& writer = *writers[selected.writer];
    const Component& component = writer.components[selected.component];
    BackupComponent& entry = entries.emplace_back();
    entry.writer_class = writer.identity.class_id;
    entry.writer_instance = writer.instance;
    entry.instance_name = writer.identity.instance_name;
    entry.type = component.type;
    entry.name = component.name;
    entry.policy = selected.policy.value_or(ConsistencyPolicy::require);
    entry.options = selected.options;
    entry.base = selected.base;
  }
  return entries;
}

}  // namespace stillframe
