#include "tests/coordinator/support/fixture.hpp"

namespace stillframe::tests {
namespace fs = std::filesystem;
namespace {

class VolumeTable final : public coordinator::VolumeSource {
 public:
  explicit VolumeTable(std::map<std::string, Volume> volumes) : volumes_(std::move(volumes)) {}

  Result<coordinator::Located> locate(const BytePath& path) const override {
    if (!fs::exists(path)) return Error(Errc::not_found, "no such path: " + path);
    coordinator::Located located;
    located.path = path;
    located.volume.id = "rest";
    located.volume.mount_point = "/";
    std::size_t longest = 0;
    for (const auto& [directory, volume] : volumes_) {
      const bool inside = path == directory || path.rfind(directory + "/", 0) == 0;
      if (!inside || directory.size() < longest) continue;
      longest = directory.size();
      located.volume = volume;
    }
    return located;
  }

  Status check_apart(const Volume&, const Volume&) const override { return Ok{}; }
  std::vector<Volume> volumes() const override {
    std::vector<Volume> all;
    for (const auto& [directory, volume] : volumes_) all.push_back(volume);
    return all;
  }

 private:
  std::map<std::string, Volume> volumes_;
};

}  // namespace

void FakeVolumes::add(const std::string& directory, const std::string& id) {
  Volume& volume = volumes_[directory];
  volume.id = "fake:" + id;
  volume.mount_point = directory;
  volume.mount_root = "/";
  volume.fs_type = "fakefs";
  volume.fs_uuid = "uuid-" + id;
}

coordinator::VolumeSourceFactory FakeVolumes::factory() const {
  return [volumes = volumes_]() -> Result<std::unique_ptr<coordinator::VolumeSource>> {
    return std::unique_ptr<coordinator::VolumeSource>(std::make_unique<VolumeTable>(volumes));
  };
}

CoordinatorFixture::CoordinatorFixture() {
  options_.state_dir = directory_.path() + "/state";
  options_.runtime_dir = directory_.path() + "/run";
  options_.providers_in_process = true;
  options_.on_event = [this](std::string_view event) {
    const std::lock_guard lock(events_mutex_);
    events_.emplace_back(event);
  };
  seams_.builtin_providers = false;
  seams_.shutdown_patience = std::chrono::seconds(20);
}

std::string CoordinatorFixture::make_volume(const std::string& name) {
  const std::string path = directory_.path() + "/" + name;
  fs::create_directories(path);
  volumes_.add(path, name);
  return path;
}

ScriptedWriter& CoordinatorFixture::add_writer(ScriptedWriterOptions options,
                                               ScriptedWriter::Hook hook) {
  writers_.push_back(std::make_unique<ScriptedWriter>(std::move(options), std::move(hook)));
  if (coordinator_) {
    const Status added = coordinator_->add_writer(*writers_.back());
    EXPECT_TRUE(added.ok()) << error_of(added);
  }
  return *writers_.back();
}

FakeProvider& CoordinatorFixture::add_provider(FakeProviderOptions options, ProviderHook hook) {
  if (options.directory.empty())
    options.directory = directory_.path() + "/snapshots-" + options.name;
  providers_.push_back(std::make_unique<FakeProvider>(std::move(options), std::move(hook)));
  return *providers_.back();
}

void CoordinatorFixture::start() {
  seams_.look_at_volumes = volumes_.factory();
  auto started = coordinator::start_embedded(options_, seams_);
  ASSERT_TRUE(started.ok()) << error_of(started);
  coordinator_ = std::move(started).value();
  for (auto& provider : providers_) {
    const Status added = coordinator_->add_provider(*provider);
    ASSERT_TRUE(added.ok()) << error_of(added);
  }
  for (auto& writer : writers_) {
    const Status added = coordinator_->add_writer(*writer);
    ASSERT_TRUE(added.ok()) << error_of(added);
  }
}

Client CoordinatorFixture::client(const std::string& name) {
  return Client(std::shared_ptr<RequestorChannel>(coordinator_->connect(name)));
}

std::vector<std::string> CoordinatorFixture::events() const {
  const std::lock_guard lock(events_mutex_);
  return events_;
}

ComponentSelector select_all(ConsistencyPolicy policy) {
  ComponentSelector selector;
  selector.component = "*";
  selector.policy = policy;
  return selector;
}

Result<BackupSession> prepared(Client& client, const BackupOptions& options,
                               const std::vector<ComponentSelector>& selectors) {
  auto session = client.begin_backup(options);
  if (!session.ok()) return session.error().while_doing("begin");
  if (auto gathered = session.value().gather(); !gathered.ok())
    return gathered.error().while_doing("gather");
  const Status selected = session.value().select(
      selectors.empty() ? std::vector<ComponentSelector>{select_all()} : selectors);
  if (!selected.ok()) return selected.error().while_doing("select");
  if (auto ready = session.value().prepare(); !ready.ok())
    return ready.error().while_doing("prepare");
  return session;
}

Receipt receipt_for(const BackupDocument& document) {
  Receipt receipt;
  receipt.backup = document.backup;
  receipt.session = document.session;
  receipt.set = document.set;
  receipt.manifest_sha256 = std::string(64, 'a');
  receipt.published = system_clock().wall_now();
  return receipt;
}

std::vector<ComponentResult> all_succeeded(const BackupDocument& document) {
  std::vector<ComponentResult> results;
  for (const auto& component : document.components) {
    ComponentResult& result = results.emplace_back();
    result.writer_class = component.writer_class;
    result.instance_name = component.instance_name;
    result.name = component.name;
    result.succeeded = true;
  }
  return results;
}

}  // namespace stillframe::tests
