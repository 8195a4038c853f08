#include "tests/io/support/crashing_files.hpp"

#include <algorithm>
#include <utility>

#include "framework/base/path.hpp"

namespace stillframe::tests {

// A write, or a resize when it has no bytes.
struct CrashingFilesChange {
  std::uint64_t offset = 0;
  std::vector<std::byte> bytes;
  bool resize = false;
};

namespace {

void put(const CrashingFilesChange& change, std::vector<std::byte>& content) {
  if (change.resize) {
    content.resize(change.offset);
    return;
  }
  content.resize(std::max<std::size_t>(content.size(), change.offset + change.bytes.size()));
  std::copy(change.bytes.begin(), change.bytes.end(),
            content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

// The sectors of a write that reached the disk: all, none, or any of them.
void put_torn(const CrashingFilesChange& change, std::vector<std::byte>& content,
              std::mt19937_64& random, std::size_t sector) {
  const auto fate = random() % 4;
  if (fate == 0) return;
  if (fate == 1 || change.resize) return put(change, content);
  for (std::size_t at = 0; at < change.bytes.size();) {
    const std::size_t in_sector = sector - (change.offset + at) % sector;
    const std::size_t end = std::min(change.bytes.size(), at + in_sector);
    if (random() % 2 == 0) {
      CrashingFilesChange part{change.offset + at, {}, false};
      part.bytes.assign(change.bytes.begin() + static_cast<std::ptrdiff_t>(at),
                        change.bytes.begin() + static_cast<std::ptrdiff_t>(end));
      put(part, content);
    }
    at = end;
  }
}

}  // namespace

struct CrashingFiles::Node {
  std::vector<std::byte> now, durable;
  std::vector<CrashingFilesChange> pending;
};

class CrashingFiles::Handle final : public File {
 public:
  Handle(CrashingFiles& files, std::shared_ptr<Node> node, BytePath path, FileAccess access)
      : files_(files), node_(std::move(node)), path_(std::move(path)), access_(access) {}

  Status read(std::uint64_t offset, MutableBytes into) const override {
    const std::lock_guard lock(files_.mutex_);
    if (offset + into.size() > node_->now.size()) {
      return Error(Errc::truncated, "read '" + path_ + "': it ends before byte " +
                                        std::to_string(offset + into.size()));
    }
    std::copy_n(node_->now.begin() + static_cast<std::ptrdiff_t>(offset), into.size(),
                into.begin());
    return Ok{};
  }

  Status write(std::uint64_t offset, Bytes from) override {
    return change({offset, {from.begin(), from.end()}, false}, "write");
  }

  Status resize(std::uint64_t bytes) override { return change({bytes, {}, true}, "resize"); }

  Status sync() override {
    const std::lock_guard lock(files_.mutex_);
    if (broken_) return refused("sync");
    Status begun = files_.begin_change("sync '" + path_ + "'");
    if (begun.ok() && files_.fail_sync_in_ > 0 && --files_.fail_sync_in_ == 0) {
      files_.sync_failed_ = true;
      node_->pending.clear();  // the kernel forgets that these were never written
      begun = Error(Errc::io, "sync '" + path_ + "': a sync that was made to fail");
    }
    if (!begun.ok()) {
      broken_ = true;
      return begun;
    }
    for (const CrashingFilesChange& each : node_->pending) put(each, node_->durable);
    node_->pending.clear();
    return Ok{};
  }

  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(files_.mutex_);
    return std::uint64_t{node_->now.size()};
  }

  const BytePath& path() const override { return path_; }

 private:
  Status refused(const char* what) const {
    return Error(Errc::io, std::string(what) + " '" + path_ + "': an earlier write or sync failed");
  }

  Status change(CrashingFilesChange change, const char* what) {
    const std::lock_guard lock(files_.mutex_);
    if (access_ == FileAccess::read) {
      return Error(Errc::access_denied, "'" + path_ + "' was opened for reading");
    }
    if (broken_) return refused(what);
    const bool under_way = files_.operations_ + 1 == files_.stop_at_;
    if (Status s = files_.begin_change(std::string(what) + " '" + path_ + "'"); !s.ok()) {
      if (under_way) node_->pending.push_back(std::move(change));  // may still reach the disk
      broken_ = true;
      return s;
    }
    put(change, node_->now);
    node_->pending.push_back(std::move(change));
    return Ok{};
  }

  CrashingFiles& files_;
  const std::shared_ptr<Node> node_;
  const BytePath path_;
  const FileAccess access_;
  bool broken_ = false;
};

CrashingFiles::CrashingFiles() = default;
CrashingFiles::~CrashingFiles() = default;

void CrashingFiles::stop_at(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  stop_at_ = operations_ + count;
}

void CrashingFiles::fail_sync_at(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  fail_sync_in_ = count;
}

bool CrashingFiles::stopped() const {
  const std::lock_guard lock(mutex_);
  return operations_ >= stop_at_;
}

bool CrashingFiles::sync_failed() const {
  const std::lock_guard lock(mutex_);
  return sync_failed_;
}

std::uint64_t CrashingFiles::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

Status CrashingFiles::begin_change(const std::string& what) {
  if (operations_ < stop_at_) ++operations_;
  if (operations_ < stop_at_) return Ok{};
  return Error(Errc::io, what + ": the machine has stopped");
}

std::vector<BytePath> CrashingFiles::paths_below(const Names& names, const BytePath& folder) {
  std::vector<BytePath> paths;
  for (const auto& [path, node] : names) {
    if (path.starts_with(folder + "/")) paths.push_back(path);
  }
  return paths;
}

void CrashingFiles::apply(const NameChange& change, Names& names) {
  switch (change.kind) {
    case NameChange::Kind::create:
      names[change.name] = change.node;
      return;
    case NameChange::Kind::remove:
      names.erase(change.name);
      return;
    case NameChange::Kind::rename:
      if (auto found = names.extract(change.name); !found.empty()) {
        names[change.to] = std::move(found.mapped());
        return;
      }
      for (const BytePath& path : paths_below(names, change.name)) {
        names[change.to + path.substr(change.name.size())] = names.extract(path).mapped();
      }
      return;
  }
}

std::unique_ptr<CrashingFiles> CrashingFiles::after_crash(std::mt19937_64& random,
                                                          std::size_t sector) const {
  const std::lock_guard lock(mutex_);
  // Journalled file systems keep changes of names in order: some first ones of them survive.
  Names names = durable_;
  const std::size_t kept = random() % (pending_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) apply(pending_[i], names);

  auto after = std::make_unique<CrashingFiles>();
  for (const auto& [name, node] : names) {
    auto found = std::make_shared<Node>();
    found->durable = node->durable;
    for (const CrashingFilesChange& change : node->pending) {
      put_torn(change, found->durable, random, sector);
    }
    found->now = found->durable;
    after->now_[name] = found;
    after->durable_[name] = found;
  }
  return after;
}

Result<std::unique_ptr<File>> CrashingFiles::open(const BytePath& path, FileAccess access) {
  const std::lock_guard lock(mutex_);
  const auto found = now_.find(path);
  if (found == now_.end()) return Error(Errc::not_found, "open '" + path + "': it is not there");
  return std::unique_ptr<File>(std::make_unique<Handle>(*this, found->second, path, access));
}

Result<std::unique_ptr<File>> CrashingFiles::create(const BytePath& path) {
  const std::lock_guard lock(mutex_);
  if (now_.contains(path)) return Error(Errc::already_exists, "create '" + path + "'");
  if (Status s = begin_change("create '" + path + "'"); !s.ok()) return s.error();
  pending_.push_back({NameChange::Kind::create, path, {}, std::make_shared<Node>()});
  apply(pending_.back(), now_);
  return std::unique_ptr<File>(
      std::make_unique<Handle>(*this, pending_.back().node, path, FileAccess::write));
}

Status CrashingFiles::rename(const BytePath& from, const BytePath& to) {
  const std::lock_guard lock(mutex_);
  if (!now_.contains(from) && paths_below(now_, from).empty()) {
    return Error(Errc::not_found, "rename '" + from + "'");
  }
  if (Status s = begin_change("rename '" + from + "'"); !s.ok()) return s;
  pending_.push_back({NameChange::Kind::rename, from, to, nullptr});
  apply(pending_.back(), now_);
  return Ok{};
}

Status CrashingFiles::remove(const BytePath& path) {
  const std::lock_guard lock(mutex_);
  if (!now_.contains(path)) return Error(Errc::not_found, "remove '" + path + "'");
  if (Status s = begin_change("remove '" + path + "'"); !s.ok()) return s;
  pending_.push_back({NameChange::Kind::remove, path, {}, nullptr});
  apply(pending_.back(), now_);
  return Ok{};
}

bool CrashingFiles::exists(const BytePath& path) {
  const std::lock_guard lock(mutex_);
  return now_.contains(path);
}

Result<std::vector<BytePath>> CrashingFiles::list(const BytePath& directory) {
  const std::lock_guard lock(mutex_);
  std::vector<BytePath> names;
  for (const auto& [path, node] : now_) {
    if (parent_path(path) == directory) names.push_back(last_component(path));
  }
  return names;
}

Status CrashingFiles::make_directory(const BytePath&) {
  return Ok{};
}

// Of the directory's own names only; a rename between two directories takes the sync of the second.
Status CrashingFiles::sync_directory(const BytePath& path) {
  const std::lock_guard lock(mutex_);
  if (Status s = begin_change("sync directory '" + path + "'"); !s.ok()) return s;
  std::vector<NameChange> later;
  for (NameChange& change : pending_) {
    const BytePath& where = change.kind == NameChange::Kind::rename ? change.to : change.name;
    if (parent_path(where) == path) {
      apply(change, durable_);
    } else {
      later.push_back(std::move(change));
    }
  }
  pending_ = std::move(later);
  return Ok{};
}

}  // namespace stillframe::tests
