#include "framework/model/restore_plan.hpp"

#include <algorithm>
#include <optional>

#include "framework/base/path.hpp"
#include "framework/model/path_text.hpp"
#include "framework/model/pattern.hpp"
#include "framework/model/ranges.hpp"

namespace stillframe {
namespace {

// A new target or an alternate mapping with its paths expanded.
struct Relocation {
  BytePath path, pattern, destination;
  bool recursive = false;
  const AlternateMapping* mapping = nullptr;

  bool covers(const BytePath& file) const {
    if (!matches_pattern(pattern, last_component(file))) return false;
    const BytePath directory = parent_path(file);
    return recursive ? is_beneath_or_equal(directory, path) : directory == path;
  }
  BytePath moved(const BytePath& file) const {
    return join_path(destination, path_relative_to(file, path));
  }
};

// Where one file goes and who said so.
struct Place {
  BytePath destination;
  bool decided = false;  // by a directed or new target: the method has no say about the place
  const AlternateMapping* mapping = nullptr;
};

class RestorePlanner {
 public:
  RestorePlanner(const WriterMetadata& stored, const BackupComponent& component,
                 std::span<const StoredFile> files, const Environment& environment,
                 RestoreTargetProbe& probe)
      : stored_(stored),
        restore_(component.restore ? *component.restore : kDefault),
        component_(component),
        files_(files),
        environment_(environment),
        probe_(probe) {}

  Result<RestorePlan> run() {
    if (Status s = read_relocations(); !s.ok()) return s.error();
    if (Status s = check_contradictions(); !s.ok()) return s.error();
    set_service();
    places_.assign(files_.size(), Place{});
    for (std::size_t i = 0; i < files_.size(); ++i) {
      places_[i].destination = trim_slashes(files_[i].path);
      if (const Relocation* target = find(new_targets_, files_[i].path)) {
        places_[i] = {target->moved(files_[i].path), true, nullptr};
      }
    }
    if (directs()) {
      if (Status s = direct_files(); !s.ok()) return s.error();
    }
    if (Status s = place_the_rest(); !s.ok()) return s.error();
    add_steps();
    if (Status s = refuse_collisions(); !s.ok()) return s.error();
    note_moved_ranges_files();
    return std::move(plan_);
  }

 private:
  static const ComponentRestore kDefault;

  Error refused(Errc code, const std::string& why) const {
    return {code, "component '" + component_.name.full() + "': " + why};
  }

  RestoreMethod method() const { return stored_.restore.method; }

  // What waits for a reboot does so whatever the writer says in pre_restore.
  bool at_reboot() const {
    return method() == RestoreMethod::restore_at_reboot ||
           method() == RestoreMethod::restore_at_reboot_if_cannot_replace;
  }
  RestoreTarget target() const { return at_reboot() ? RestoreTarget::original : restore_.target; }
  bool directs() const { return target() == RestoreTarget::directed; }

  // ---- what the documents say

  template <class T>
  Result<Relocation> expanded(const T& from, const std::string& what) const {
    auto path = expand_path(from.path, environment_);
    if (!path.ok()) return path.error().while_doing(what);
    auto destination = expand_path(from.destination, environment_);
    if (!destination.ok()) return destination.error().while_doing(what);
    return Relocation{path.value(), from.pattern, destination.value(), from.recursive, nullptr};
  }

  Status read_relocations() {
    for (const NewTarget& target : restore_.new_targets) {
      auto relocation = expanded(target, "a new target");
      if (!relocation.ok()) return relocation.error();
      new_targets_.push_back(std::move(relocation).value());
    }
    for (const AlternateMapping& mapping : stored_.alternate_mappings) {
      auto relocation = expanded(mapping, "an alternate mapping");
      if (!relocation.ok()) return relocation.error();
      relocation.value().mapping = &mapping;
      mappings_.push_back(std::move(relocation).value());
    }
    return Ok{};
  }

  Status check_contradictions() const {
    if (!new_targets_.empty() && !stored_.schema.has(BackupSchema::kNewTarget)) {
      return refused(Errc::not_supported,
                     "its writer does not cope with new targets; restore to its own place, or "
                     "as plain files");
    }
    if (directs() && restore_.directed_targets.empty()) {
      return refused(Errc::invalid_argument, "its writer chose directed targets and gave none");
    }
    if (!directs() && restore_.target != RestoreTarget::directed &&
        !restore_.directed_targets.empty()) {
      return refused(Errc::invalid_argument,
                     "its writer gave directed targets without choosing them");
    }
    return Ok{};
  }

  void set_service() {
    plan_.reboot_required = stored_.restore.reboot_required;
    if (method() == RestoreMethod::stop_restore_start) {
      plan_.stop_before_copy = plan_.start_after_copy = true;
      plan_.service = stored_.restore.service;
    } else if (method() == RestoreMethod::restore_stop_start) {
      plan_.restart_after_post_restore = true;
      plan_.service = stored_.restore.service;
    }
  }

  static const Relocation* find(const std::vector<Relocation>& among, const BytePath& file) {
    for (const Relocation& one : among) {
      if (one.covers(trim_slashes(file))) return &one;
    }
    return nullptr;
  }

  // ---- directed targets

  Status direct_files() {
    std::vector<bool> used(files_.size(), false);
    for (const DirectedTarget& directed : restore_.directed_targets) {
      auto source = expand_path(directed.source_path, environment_);
      if (!source.ok()) return source.error().while_doing("a directed target");
      auto destination = expand_path(directed.destination_path, environment_);
      if (!destination.ok()) return destination.error().while_doing("a directed target");
      const BytePath file = join_path(source.value(), directed.source_name);
      const auto at = std::find_if(files_.begin(), files_.end(), [&](const StoredFile& stored) {
        return trim_slashes(stored.path) == file;
      });
      if (at == files_.end()) {
        return refused(Errc::not_found,
                       "directed target of " + quoted_path(file) + ", which is not in the backup");
      }
      const auto index = static_cast<std::size_t>(at - files_.begin());
      used[index] = true;
      auto step = directed_step(index, directed);
      if (!step.ok()) return step.error();
      step.value().destination = join_path(destination.value(), directed.destination_name);
      plan_.steps.push_back(std::move(step).value());
    }
    directed_ = std::move(used);
    return Ok{};
  }

  Result<RestoreStep> directed_step(std::size_t file, const DirectedTarget& directed) const {
    RestoreStep step;
    step.file = file;
    const auto& from = directed.source_ranges;
    const auto& to = directed.destination_ranges;
    if (from.empty() && to.empty()) {
      // The file under another name; what is stored of it decides how it is written.
      step.action = files_[file].partial ? RestoreAction::write_ranges : RestoreAction::write;
      for (const ByteRange& range : files_[file].ranges) step.moves.push_back({range, range});
      return step;
    }
    step.action = RestoreAction::write_ranges;
    for (const auto* ranges : {&from, &to}) {
      if (Status s = check_ranges(*ranges); !s.ok()) {
        return s.error().while_doing("directed target of " + quoted_path(files_[file].path));
      }
    }
    if (from.size() != to.size()) return mismatch(file);
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].length != to[i].length) return mismatch(file);
      if (from[i].offset + from[i].length > files_[file].size) {
        return refused(Errc::invalid_argument, "directed target of " +
                                                   quoted_path(files_[file].path) +
                                                   ": a range ends beyond the file");
      }
      step.moves.push_back({from[i], to[i]});
    }
    return step;
  }

  Error mismatch(std::size_t file) const {
    return refused(Errc::invalid_argument,
                   "directed target of " + quoted_path(files_[file].path) +
                       ": source and destination ranges differ in number or length");
  }

  bool is_directed(std::size_t file) const { return !directed_.empty() && directed_[file]; }

  // ---- restore target and method

  Status place_the_rest() {
    if (target() == RestoreTarget::alternate) return move_all_to_mappings("its writer chose");
    if (target() == RestoreTarget::original_location) return Ok{};
    switch (method()) {
      case RestoreMethod::stop_restore_start:
      case RestoreMethod::restore_stop_start:
      case RestoreMethod::restore_at_reboot:
        return Ok{};
      case RestoreMethod::restore_to_alternate_location:
        return move_all_to_mappings("its restore method wants");
      case RestoreMethod::restore_at_reboot_if_cannot_replace:
        return stage_if_one_cannot_be_replaced();
      case RestoreMethod::restore_if_not_there:
        return place_as_a_whole(&RestorePlanner::first_that_exists, Errc::already_exists,
                                " is there already");
      case RestoreMethod::restore_if_can_replace:
        return place_as_a_whole(&RestorePlanner::first_that_is_held, Errc::in_use,
                                " cannot be replaced");
      case RestoreMethod::custom:
        return custom();
    }
    return refused(Errc::invalid_argument, "its restore method is undefined");
  }

  // A private procedure knows where files go; we do so only where somebody told us.
  Status custom() const {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (is_directed(i) || places_[i].decided) continue;
      return refused(Errc::not_supported, "its writer restores by a procedure of its own" +
                                              (stored_.restore.user_procedure.empty()
                                                   ? std::string()
                                                   : ": " + stored_.restore.user_procedure));
    }
    return Ok{};
  }

  Status move_all_to_mappings(const std::string& who) {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (is_directed(i) || places_[i].decided) continue;
      const Relocation* mapping = find(mappings_, files_[i].path);
      if (mapping == nullptr) {
        return refused(Errc::not_found, who + " the alternate location and " +
                                            quoted_path(files_[i].path) + " is mapped to none");
      }
      places_[i] = {mapping->moved(files_[i].path), false, mapping->mapping};
    }
    return Ok{};
  }

  using Obstacle = Result<std::optional<BytePath>>;

  // Ranges go into a file that is there, so it is no obstacle for them.
  Obstacle first_that_exists(const std::vector<Place>& places) {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (is_directed(i) || files_[i].partial) continue;
      auto exists = probe_.exists(places[i].destination);
      if (!exists.ok()) return exists.error();
      if (exists.value()) return std::optional(places[i].destination);
    }
    return std::optional<BytePath>();
  }

  Obstacle first_that_is_held(const std::vector<Place>& places) {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (is_directed(i)) continue;
      auto exists = probe_.exists(places[i].destination);
      if (!exists.ok()) return exists.error();
      if (!exists.value()) continue;
      auto replaceable = probe_.can_replace(places[i].destination);
      if (!replaceable.ok()) return replaceable.error();
      if (!replaceable.value()) return std::optional(places[i].destination);
    }
    return std::optional<BytePath>();
  }

  // All files of the component or none: at their places, else all at their mappings.
  Status place_as_a_whole(Obstacle (RestorePlanner::*obstacle)(const std::vector<Place>&),
                          Errc code, const std::string& says) {
    auto there = (this->*obstacle)(places_);
    if (!there.ok()) return there.error();
    if (!there.value()) return Ok{};
    const std::string why = quoted_path(*there.value()) + says;

    std::vector<Place> mapped = places_;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (is_directed(i) || places_[i].decided) continue;
      const Relocation* mapping = find(mappings_, files_[i].path);
      if (mapping == nullptr) {
        return refused(code, why + ", and " + quoted_path(files_[i].path) +
                                 " has no alternate location; nothing was restored");
      }
      mapped[i] = {mapping->moved(files_[i].path), false, mapping->mapping};
    }
    auto also_there = (this->*obstacle)(mapped);
    if (!also_there.ok()) return also_there.error();
    if (also_there.value()) {
      return refused(code, why + ", and so is it with " + quoted_path(*also_there.value()) +
                               " at the alternate location; nothing was restored");
    }
    places_ = std::move(mapped);
    return Ok{};
  }

  Status stage_if_one_cannot_be_replaced() {
    auto held = first_that_is_held(places_);
    if (!held.ok()) return held.error();
    stage_ = held.value().has_value();
    return Ok{};
  }

  // ---- steps

  void add_steps() {
    const bool stage = stage_ || method() == RestoreMethod::restore_at_reboot;
    plan_.reboot_required |= stage;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (is_directed(i)) continue;
      RestoreStep step;
      step.file = i;
      step.destination = places_[i].destination;
      if (files_[i].partial) {
        step.action = RestoreAction::write_ranges;
        for (const ByteRange& range : files_[i].ranges) step.moves.push_back({range, range});
      } else if (stage) {
        step.action = RestoreAction::stage_for_reboot;
      }
      plan_.steps.push_back(std::move(step));
      note_mapping(places_[i].mapping);
    }
  }

  void note_mapping(const AlternateMapping* mapping) {
    if (mapping == nullptr) return;
    auto& used = plan_.mappings_used;
    if (std::find(used.begin(), used.end(), *mapping) == used.end()) used.push_back(*mapping);
  }

  // Two files that end up in one place: the second would silently replace the first.
  Status refuse_collisions() const {
    std::vector<const RestoreStep*> whole;
    for (const RestoreStep& step : plan_.steps) {
      if (step.action != RestoreAction::write_ranges) whole.push_back(&step);
    }
    std::sort(whole.begin(), whole.end(), [](const RestoreStep* a, const RestoreStep* b) {
      return a->destination < b->destination;
    });
    for (std::size_t i = 1; i < whole.size(); ++i) {
      if (whole[i - 1]->destination != whole[i]->destination) continue;
      return refused(Errc::invalid_argument,
                     quoted_path(files_[whole[i - 1]->file].path) + " and " +
                         quoted_path(files_[whole[i]->file].path) + " would both be restored to " +
                         quoted_path(whole[i]->destination));
    }
    return Ok{};
  }

  void note_moved_ranges_files() {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (files_[i].ranges_file.empty()) continue;
      for (const RestoreStep& step : plan_.steps) {
        const BytePath& path = files_[step.file].path;
        if (path != files_[i].ranges_file || step.destination == path) continue;
        const std::pair<BytePath, BytePath> moved(path, step.destination);
        auto& all = plan_.moved_ranges_files;
        if (std::find(all.begin(), all.end(), moved) == all.end()) all.push_back(moved);
      }
    }
  }

  const WriterMetadata& stored_;
  const ComponentRestore& restore_;
  const BackupComponent& component_;
  const std::span<const StoredFile> files_;
  const Environment& environment_;
  RestoreTargetProbe& probe_;
  std::vector<Relocation> new_targets_, mappings_;
  std::vector<Place> places_;
  std::vector<bool> directed_;  // by file; empty when nothing is directed
  bool stage_ = false;
  RestorePlan plan_;
};

const ComponentRestore RestorePlanner::kDefault{};

}  // namespace

Result<RestorePlan> plan_restore(const WriterMetadata& stored, const BackupComponent& component,
                                 std::span<const StoredFile> files, const Environment& environment,
                                 RestoreTargetProbe& probe) {
  for (const StoredFile& file : files) {
    // What a stored list says is not trusted with "..": everything is placed beneath its own path.
    if (!is_plain_absolute(file.path)) {
      return Error(Errc::corrupt, "component '" + component.name.full() + "': stored file " +
                                      quoted_path(file.path) + " has no plain absolute path");
    }
  }
  return RestorePlanner(stored, component, files, environment, probe).run();
}

}  // namespace stillframe
