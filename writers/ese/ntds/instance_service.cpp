#include "writers/ese/ntds/instance_service.hpp"

#include <algorithm>
#include <utility>

#include "writers/ese/jet/process.hpp"
#include "writers/ese/ntds/host_rules.hpp"
#include "writers/ese/ntds/ntds_error.hpp"

namespace stillframe::ese::ntds {

namespace {

constexpr std::string_view kSocketPrefix = "unix:";

class InstanceService final : public DirectoryService {
 public:
  explicit InstanceService(std::shared_ptr<jet::JetInstance> instance)
      : instance_(std::move(instance)) {}

  Result<bool> online() override {
    if (instance_->created_only()) return false;
    const auto use = jet::InstanceUse::enter(instance_);
    if (!use.ok()) return use.error();
    return true;
  }
  Result<std::unique_ptr<StagedBackup>> prepare_backup() override {
    return back_up_instance(instance_);
  }
  Result<std::unique_ptr<StagedRestore>> prepare_restore(Bytes token) override {
    return restore_instance(instance_, token, std::nullopt);
  }

 private:
  const std::shared_ptr<jet::JetInstance> instance_;
};

Result<std::unique_ptr<DirectoryService>> connect_to(const BytePath& socket) {
  if (const Channel channel = host_channel()) return channel(socket);
  return ds_error(hrCouldNotConnect, "'" + escape_path(socket) +
                                         "' cannot be reached: this program has no channel to "
                                         "servers in other processes");
}

}  // namespace

std::unique_ptr<DirectoryService> serve_instance(std::shared_ptr<jet::JetInstance> instance) {
  return std::make_unique<InstanceService>(std::move(instance));
}

Result<std::unique_ptr<DirectoryService>> find_server(const std::string& name) {
  if (name.starts_with(kSocketPrefix)) return connect_to(name.substr(kSocketPrefix.size()));
  auto instance = find_instance(name);
  if (!instance.ok()) return instance.error();
  return serve_instance(std::move(instance).value());
}

Result<std::shared_ptr<jet::JetInstance>> find_instance(const std::string& name) {
  const std::string wanted = name.substr(std::min(name.find_first_not_of('\\'), name.size()));
  if (wanted.find('_') != std::string::npos) {
    return ds_error(RPC_S_INVALID_BINDING, "'" + name + "': a server's name has no underscore");
  }
  const auto all = jet::Process::get().instances();
  if (wanted.empty() && all.size() == 1) return all.front();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) {
    return !wanted.empty() && each->name() == wanted;
  });
  if (found != all.end()) return *found;
  return ds_error(hrCouldNotConnect,
                  wanted.empty() ? "this process has no server, or several: name one"
                                 : "this process has no server '" + escape_path(wanted) + "'");
}

std::vector<ListedFile> locations_of(jet::JetInstance& instance,
                                     const std::vector<std::string>& databases) {
  std::vector<ListedFile> places;
  for (const std::string& path : databases) places.push_back({BFT_NTDS_DATABASE, path});
  const auto folder = [&](std::uint32_t id) {
    return jet::absolute_path(instance.parameters().text(id));
  };
  places.push_back({BFT_LOG_DIR, folder(JET_paramLogFilePath)});
  places.push_back({BFT_CHECKPOINT_DIR, folder(JET_paramSystemPath)});
  return places;
}

}  // namespace stillframe::ese::ntds
