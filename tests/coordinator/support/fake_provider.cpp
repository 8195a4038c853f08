#include "tests/coordinator/support/fake_provider.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "framework/coordinator/journal/rows.hpp"

namespace stillframe::tests {
namespace fs = std::filesystem;

FakeProvider::FakeProvider(FakeProviderOptions options, ProviderHook hook)
    : options_(std::move(options)), hook_(std::move(hook)) {
  fs::create_directories(options_.directory);
}

ProviderId FakeProvider::id_of(const std::string& name) {
  UuidBytes bytes{};
  bytes[0] = 0xfa;
  for (std::size_t i = 0; i < name.size(); ++i)
    bytes[1 + i % 15] = static_cast<std::uint8_t>(bytes[1 + i % 15] * 31 + name[i]);
  return ProviderId(bytes);
}

ProviderInfo FakeProvider::info() const {
  ProviderInfo info;
  info.id = id_of(options_.name);
  info.name = options_.name;
  info.version = {1, 0};
  info.atomicity = options_.atomicity;
  info.capabilities.bits = ProviderCapabilities::kPersistent | ProviderCapabilities::kWritable |
                           ProviderCapabilities::kExpose | ProviderCapabilities::kRevert;
  info.freezes_file_system = options_.freezes_file_system;
  info.preference = options_.preference;
  return info;
}

Status FakeProvider::enter(const std::string& step) {
  ProviderHook hook;
  {
    const std::lock_guard lock(mutex_);
    steps_.push_back(step);
    hook = hook_;
  }
  return hook ? hook(step) : Status(Ok{});
}

void FakeProvider::set_hook(ProviderHook hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

std::vector<std::string> FakeProvider::steps() const {
  const std::lock_guard lock(mutex_);
  return steps_;
}

std::vector<CutRequest> FakeProvider::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::string FakeProvider::place_of(const SnapshotId& snapshot) const {
  return options_.directory + "/" + snapshot.to_string();
}

std::size_t FakeProvider::snapshots_on_disk() const {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(options_.directory))
    count += entry.is_directory() ? 1 : 0;
  return count;
}

void FakeProvider::note(const SnapshotInfo& info) const {
  std::ofstream(place_of(info.snapshot) + ".note") << coordinator::snapshot_to_row(info);
}

Status FakeProvider::supports(const Volume& volume, const SnapshotAttributes&) {
  if (!options_.refuses) return Ok{};
  const std::string why = options_.refuses(volume);
  if (why.empty()) return Ok{};
  return Error(Errc::volume_not_supported, why);
}

Status FakeProvider::begin_prepare(const CutRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    SnapshotInfo info;
    info.snapshot = request.snapshot;
    info.set = request.set;
    info.provider = id_of(options_.name);
    info.provider_name = options_.name;
    info.volume = request.volume;
    info.attributes = request.attributes;
    info.root = place_of(request.snapshot);
    sets_[request.set].push_back(info);
  }
  return enter("begin_prepare");
}

Result<CutEstimate> FakeProvider::end_prepare(const SetId&) {
  if (Status s = enter("end_prepare"); !s.ok()) return s.error();
  return CutEstimate{};
}

Status FakeProvider::pre_commit(const SetId&) {
  return enter("pre_commit");
}

Result<std::vector<CutRecord>> FakeProvider::commit(const SetId& set) {
  const BootTime begun = system_clock().now();
  if (Status s = enter("commit"); !s.ok()) return s.error();
  const std::lock_guard lock(mutex_);
  std::vector<CutRecord> records;
  for (auto& info : sets_[set]) {
    fs::create_directories(place_of(info.snapshot));
    info.state = SnapshotState::committed;
    info.created = system_clock().wall_now();
    note(info);
    CutRecord& record = records.emplace_back();
    record.snapshot = info.snapshot;
    record.begun = begun;
    record.ended = system_clock().now();
  }
  return records;
}

Status FakeProvider::post_commit(const SetId&) {
  return enter("post_commit");
}

Result<std::vector<SnapshotInfo>> FakeProvider::pre_final(const SetId& set) {
  if (Status s = enter("pre_final"); !s.ok()) return s.error();
  const std::lock_guard lock(mutex_);
  return sets_[set];
}

Status FakeProvider::post_final(const SetId& set) {
  if (Status s = enter("post_final"); !s.ok()) return s.error();
  const std::lock_guard lock(mutex_);
  for (auto& info : sets_[set]) {
    info.state = SnapshotState::created;
    note(info);
  }
  sets_.erase(set);
  return Ok{};
}

void FakeProvider::abort(const SetId& set) {
  if (!enter("abort").ok()) return;  // it could not, and has nobody to tell
  for (const auto& info : noted())
    if (info.set == set) erase(info.snapshot);
  const std::lock_guard lock(mutex_);
  sets_.erase(set);
}

void FakeProvider::erase(const SnapshotId& snapshot) const {
  fs::remove_all(place_of(snapshot));
  fs::remove(place_of(snapshot) + ".note");
}

std::vector<SnapshotInfo> FakeProvider::noted() const {
  std::vector<SnapshotInfo> found;
  for (const auto& entry : fs::directory_iterator(options_.directory)) {
    if (entry.path().extension() != ".note") continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    auto info = coordinator::snapshot_from_row(text.str());
    if (info.ok()) found.push_back(std::move(info).value());
  }
  return found;
}

Result<std::vector<SnapshotInfo>> FakeProvider::query() {
  if (Status s = enter("query"); !s.ok()) return s.error();
  return noted();
}

Status FakeProvider::remove(const SnapshotId& snapshot) {
  if (Status s = enter("remove"); !s.ok()) return s;
  if (!fs::exists(place_of(snapshot) + ".note"))
    return Error(Errc::not_found, "no snapshot " + snapshot.to_string());
  erase(snapshot);
  return Ok{};
}

Status FakeProvider::expose(const SnapshotId& snapshot, const BytePath& place) {
  if (Status s = enter("expose"); !s.ok()) return s;
  std::error_code error;
  fs::create_directory_symlink(place_of(snapshot), place, error);
  if (error) return Error(Errc::io, error.message());
  return Ok{};
}

Status FakeProvider::unexpose(const SnapshotId&) {
  return enter("unexpose");
}
Status FakeProvider::make_writable(const SnapshotId&) {
  return enter("make_writable");
}
Status FakeProvider::revert(const SnapshotId&, const RevertOptions&) {
  return enter("revert");
}

}  // namespace stillframe::tests
