#include "writers/dedup/volume/overlaid_files.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "framework/base/path.hpp"

namespace stillframe::dedup {

namespace {

// What all files together may keep.
struct OverlayBudget {
  explicit OverlayBudget(std::size_t bytes) : left(bytes) {}
  std::size_t left;
};

// One file, whatever handles there are of it.
class OverlaidContent {
 public:
  OverlaidContent(std::unique_ptr<File> below, std::uint64_t bytes,
                  std::shared_ptr<OverlayBudget> budget)
      : below_(std::move(below)), below_bytes_(bytes), bytes_(bytes), budget_(std::move(budget)) {}

  Status read(std::uint64_t offset, MutableBytes into, const BytePath& path) const {
    const std::lock_guard lock(mutex_);
    if (offset > bytes_ || into.size() > bytes_ - offset) {
      return Error(Errc::truncated, "read " + quoted_path(path) + ": it ends before byte " +
                                        std::to_string(offset + into.size()));
    }
    const std::uint64_t from_below =
        offset < below_bytes_ ? std::min<std::uint64_t>(below_bytes_ - offset, into.size()) : 0;
    if (from_below > 0) {
      if (Status s = below_->read(offset, into.first(from_below)); !s.ok()) return s;
    }
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(from_below), into.end(), std::byte{0});
    for (const Change& change : changes_) lay_over(change, offset, into);
    return Ok{};
  }

  Status write(std::uint64_t offset, Bytes from, const BytePath& path) {
    const std::lock_guard lock(mutex_);
    if (from.size() > budget_->left) {
      return Error(Errc::limit_reached,
                   "what has to be put right in " + quoted_path(path) +
                       " is more than is kept in memory; mount the volume itself once");
    }
    budget_->left -= from.size();
    changes_.push_back({offset, {from.begin(), from.end()}});
    bytes_ = std::max(bytes_, offset + from.size());
    return Ok{};
  }

  std::uint64_t size() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

  void resize(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    below_bytes_ = std::min(below_bytes_, bytes);
    for (Change& change : changes_) {
      const std::uint64_t kept = bytes > change.offset ? bytes - change.offset : 0;
      if (kept < change.bytes.size()) change.bytes.resize(static_cast<std::size_t>(kept));
    }
    bytes_ = bytes;
  }

 private:
  struct Change {
    std::uint64_t offset = 0;
    std::vector<std::byte> bytes;
  };

  static void lay_over(const Change& change, std::uint64_t offset, MutableBytes into) {
    const std::uint64_t begin = std::max(offset, change.offset);
    const std::uint64_t end =
        std::min<std::uint64_t>(offset + into.size(), change.offset + change.bytes.size());
    if (begin >= end) return;
    std::copy(change.bytes.begin() + static_cast<std::ptrdiff_t>(begin - change.offset),
              change.bytes.begin() + static_cast<std::ptrdiff_t>(end - change.offset),
              into.begin() + static_cast<std::ptrdiff_t>(begin - offset));
  }

  mutable std::mutex mutex_;
  const std::unique_ptr<File> below_;  // null: it was made here
  std::uint64_t below_bytes_;          // of it that still show
  std::uint64_t bytes_;
  std::vector<Change> changes_;  // later ones over earlier ones
  const std::shared_ptr<OverlayBudget> budget_;
};

class OverlaidFile final : public File {
 public:
  OverlaidFile(std::shared_ptr<OverlaidContent> content, BytePath path)
      : content_(std::move(content)), path_(std::move(path)) {}

  Status read(std::uint64_t offset, MutableBytes into) const override {
    return content_->read(offset, into, path_);
  }
  Status write(std::uint64_t offset, Bytes from) override {
    return content_->write(offset, from, path_);
  }
  Status sync() override { return Ok{}; }
  Result<std::uint64_t> size() const override { return content_->size(); }
  Status resize(std::uint64_t bytes) override {
    content_->resize(bytes);
    return Ok{};
  }
  const BytePath& path() const override { return path_; }

 private:
  const std::shared_ptr<OverlaidContent> content_;  // shared with other handles and the names
  const BytePath path_;
};

class OverlaidFiles final : public Files {
 public:
  OverlaidFiles(Files& below, std::size_t changed_bytes_max)
      : below_(below), budget_(std::make_shared<OverlayBudget>(changed_bytes_max)) {}

  // A handle that only reads what nobody changed is the one below: containers are many.
  Result<std::unique_ptr<File>> open(const BytePath& path, FileAccess access) override {
    const std::lock_guard lock(mutex_);
    if (access == FileAccess::read && !contents_.contains(path) && !gone_.contains(path)) {
      return below_.open(path, FileAccess::read);
    }
    auto content = content_of(path);
    if (!content.ok()) return content.error();
    return handle(std::move(content).value(), path);
  }

  Result<std::unique_ptr<File>> create(const BytePath& path) override {
    const std::lock_guard lock(mutex_);
    if (is_there(path)) {
      return Error(Errc::already_exists, quoted_path(path) + " is there already");
    }
    auto content = std::make_shared<OverlaidContent>(nullptr, 0, budget_);
    contents_[path] = content;
    gone_.erase(path);
    return handle(std::move(content), path);
  }

  Status rename(const BytePath& from, const BytePath& to) override {
    const std::lock_guard lock(mutex_);
    auto content = content_of(from);
    if (!content.ok()) return content.error();
    contents_.erase(from);
    gone_.insert(from);
    contents_[to] = std::move(content).value();
    gone_.erase(to);
    return Ok{};
  }

  Status remove(const BytePath& path) override {
    const std::lock_guard lock(mutex_);
    if (!is_there(path)) return Error(Errc::not_found, "there is no " + quoted_path(path));
    contents_.erase(path);
    folders_.erase(path);
    gone_.insert(path);
    return Ok{};
  }

  bool exists(const BytePath& path) override {
    const std::lock_guard lock(mutex_);
    return is_there(path);
  }

  Result<std::vector<BytePath>> list(const BytePath& directory) override {
    const std::lock_guard lock(mutex_);
    std::set<BytePath> names;
    if (below_.exists(directory)) {
      const auto found = below_.list(directory);
      if (!found.ok()) return found.error();
      for (const BytePath& name : found.value()) {
        if (!gone_.contains(join_path(directory, name))) names.insert(name);
      }
    } else if (!folders_.contains(directory)) {
      return Error(Errc::not_found, "there is no " + quoted_path(directory));
    }
    const auto add = [&](const BytePath& path) {
      if (parent_path(path) == directory) names.insert(last_component(path));
    };
    for (const auto& [path, content] : contents_) add(path);
    for (const BytePath& path : folders_) add(path);
    return std::vector<BytePath>(names.begin(), names.end());
  }

  Status make_directory(const BytePath& path) override {
    const std::lock_guard lock(mutex_);
    for (BytePath at = path; !is_there(at) && at != parent_path(at); at = parent_path(at)) {
      folders_.insert(at);
      gone_.erase(at);
    }
    return Ok{};
  }

  Status sync_directory(const BytePath&) override { return Ok{}; }

 private:
  using Content = std::shared_ptr<OverlaidContent>;

  static Result<std::unique_ptr<File>> handle(Content content, const BytePath& path) {
    return std::unique_ptr<File>(std::make_unique<OverlaidFile>(std::move(content), path));
  }

  bool is_there(const BytePath& path) const {
    if (contents_.contains(path) || folders_.contains(path)) return true;
    return !gone_.contains(path) && below_.exists(path);
  }

  Result<Content> content_of(const BytePath& path) {
    if (const auto known = contents_.find(path); known != contents_.end()) return known->second;
    if (gone_.contains(path)) return Error(Errc::not_found, "there is no " + quoted_path(path));
    auto file = below_.open(path, FileAccess::read);
    if (!file.ok()) return file.error();
    const auto bytes = file.value()->size();
    if (!bytes.ok()) return bytes.error();
    auto content =
        std::make_shared<OverlaidContent>(std::move(file).value(), bytes.value(), budget_);
    contents_[path] = content;
    return content;
  }

  Files& below_;
  const std::shared_ptr<OverlayBudget> budget_;
  std::mutex mutex_;
  std::map<BytePath, Content> contents_;  // that were opened to be changed, or made
  std::set<BytePath> folders_;            // made here
  std::set<BytePath> gone_;               // of those below
};

}  // namespace

std::unique_ptr<Files> overlaid_files(Files& below, std::size_t changed_bytes_max) {
  return std::make_unique<OverlaidFiles>(below, changed_bytes_max);
}

}  // namespace stillframe::dedup
