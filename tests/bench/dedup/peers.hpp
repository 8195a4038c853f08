// Programs that deduplicate backups, as they come with Debian.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/dedup/measured_run.hpp"

namespace stillframe::dedup::bench {

// What keeps several states of a folder, each content once. All in a folder of its own.
class Archiver {
 public:
  virtual ~Archiver() = default;
  virtual std::string name() const = 0;
  // Keeps all of `folder`, reading all of it, as archive `number`.
  virtual Cost take(const std::string& folder, int number) = 0;
  // Puts an archive, or one file of it, into an empty folder.
  virtual Cost restore(int number, const std::string& into) = 0;
  virtual Cost restore_file(int number, const std::string& path, const std::string& into) = 0;
  // What it has on the disk.
  virtual std::string repository() const = 0;
};

// `folder` exists and is empty. Null when the program is not installed.
std::unique_ptr<Archiver> make_restic(const std::string& folder);
std::unique_ptr<Archiver> make_borg(const std::string& folder);

}  // namespace stillframe::dedup::bench
