// Keeps an instance as a backup of it needs it.
#pragma once

#include <utility>
#include <vector>

#include "writers/ese/format/small_types.hpp"
#include "writers/ese/instance/instance_database.hpp"

namespace stillframe::ese {

class Instance;

// Goes before its instance does.
class [[nodiscard]] BackupHold {
 public:
  BackupHold(BackupHold&& other) noexcept
      : instance_(std::exchange(other.instance_, nullptr)),
        databases_(std::move(other.databases_)),
        kept_from_(other.kept_from_) {}
  BackupHold& operator=(BackupHold&&) = delete;
  ~BackupHold();

  // All that are attached; they stay so.
  const std::vector<InstanceDatabase*>& databases() const noexcept { return databases_; }
  // The generation of the checkpoint when this was made: no log from there on goes by itself.
  Generation kept_from() const noexcept { return kept_from_; }

 private:
  friend class Instance;
  BackupHold(Instance& instance, std::vector<InstanceDatabase*> databases, Generation kept_from)
      : instance_(&instance), databases_(std::move(databases)), kept_from_(kept_from) {}

  Instance* instance_;  // null when moved from
  std::vector<InstanceDatabase*> databases_;
  Generation kept_from_;
};

}  // namespace stillframe::ese
