#include "tests/bench/dedup/peers.hpp"

#include <utility>

namespace stillframe::dedup::bench {

namespace {

std::string archive_name(int number) {
  return "archive-" + std::to_string(number);
}

// Encrypts and compresses with its zstd, as it does unless told otherwise.
class Restic final : public Archiver {
 public:
  explicit Restic(std::string folder) : folder_(std::move(folder)) {}

  std::string name() const override { return "restic"; }
  std::string repository() const override { return folder_ + "/repository"; }

  Cost take(const std::string& folder, int number) override {
    if (number == 0) {
      Cost made = run(".", {"init"});
      if (!made.good) return made;
    }
    return run(folder, {"backup", "--force", "--tag", archive_name(number), "."});
  }
  Cost restore(int number, const std::string& into) override {
    return run(into, {"restore", "latest", "--tag", archive_name(number), "--target", into});
  }
  Cost restore_file(int number, const std::string& path, const std::string& into) override {
    return run(into, {"restore", "latest", "--tag", archive_name(number), "--target", into,
                      "--include", path});
  }

 private:
  Cost run(const std::string& in, std::vector<std::string> arguments) const {
    std::vector<std::string> all = {"restic",     "--quiet",     "--repo",
                                    repository(), "--cache-dir", folder_ + "/cache"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return measure_program({all, in, {{"RESTIC_PASSWORD", "measured"}}});
  }

  const std::string folder_;
};

// Not encrypted, LZ4: the fastest it does.
class Borg final : public Archiver {
 public:
  explicit Borg(std::string folder) : folder_(std::move(folder)) {}

  std::string name() const override { return "borg, LZ4"; }
  std::string repository() const override { return folder_ + "/repository"; }

  Cost take(const std::string& folder, int number) override {
    if (number == 0) {
      Cost made = run(".", {"borg", "init", "--encryption", "none", repository()});
      if (!made.good) return made;
    }
    return run(folder, {"borg", "create", "--files-cache", "disabled", "--compression", "lz4",
                        archive(number), "."});
  }
  Cost restore(int number, const std::string& into) override {
    return run(into, {"borg", "extract", archive(number)});
  }
  Cost restore_file(int number, const std::string& path, const std::string& into) override {
    return run(into, {"borg", "extract", archive(number), path});
  }

 private:
  std::string archive(int number) const { return repository() + "::" + archive_name(number); }
  Cost run(const std::string& in, std::vector<std::string> arguments) const {
    return measure_program({std::move(arguments),
                            in,
                            {{"BORG_BASE_DIR", folder_ + "/own"},
                             {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes"}}});
  }

  const std::string folder_;
};

}  // namespace

std::unique_ptr<Archiver> make_restic(const std::string& folder) {
  return is_installed("restic") ? std::make_unique<Restic>(folder) : nullptr;
}

std::unique_ptr<Archiver> make_borg(const std::string& folder) {
  return is_installed("borg") ? std::make_unique<Borg>(folder) : nullptr;
}

}  // namespace stillframe::dedup::bench
