#include "samples/shop/service.hpp"

#include <filesystem>
#include <utility>

#include <stillframe/writer_host.hpp>

namespace shop {

namespace fs = std::filesystem;

Service::Service(std::string folder, std::size_t desks)
    : folder_(std::move(folder)),
      logs_(folder_ + "/logs"),
      database_(folder_ + "/shop.edb"),
      desk_count_(desks) {}

Service::~Service() {
  (void)go_offline();
}

jet::InstanceFiles Service::files() const {
  jet::InstanceFiles files;
  files.logs = logs_;
  files.databases = {database_};
  return files;
}

// ---- What the writer asks for

Result<JET_INSTANCE> Service::running() const {
  const std::shared_lock lock(open_);
  if (instance_) return instance_->handle();
  return why_closed();
}

// [offline]
Status Service::go_offline() {
  closing_ = true;
  const std::unique_lock lock(open_);  // after the orders that are being entered
  closing_ = false;
  if (!instance_) return Ok{};
  desks_.clear();
  Status stopped = instance_->stop();
  if (stopped.ok()) {
    instance_.reset();
  } else {
    (void)open_desks(*instance_);  // as before
  }
  return stopped;
}
// [/offline]

Status Service::go_online() {
  const std::unique_lock lock(open_);
  if (!instance_) last_start_ = open(false);
  return last_start_;
}

Status Service::found() {
  const std::unique_lock lock(open_);
  if (fs::exists(database_) || fs::exists(logs_)) {
    return Error(Errc::already_exists, "there is a shop in '" + folder_ + "'");
  }
  std::error_code failed;
  fs::create_directories(logs_, failed);
  if (failed) return Error(Errc::io, "creating '" + logs_ + "': " + failed.message());
  return last_start_ = open(true);
}

// [online]
// A shop whose database is lost is not opened with an empty one: it waits for a restore.
Status Service::open(bool first_time) {
  if (Status gate = stillframe::startup_gate(logs_); !gate.ok()) return gate;
  if (!first_time && !fs::exists(database_)) {
    return Error(Errc::not_found, "'" + database_ + "' is lost: restore it from a backup");
  }
  auto instance = jet::Instance::start(
      folder_, {.folder = logs_, .log_file_kb = 512, .checkpoint_depth_kb = 1024});
  if (!instance.ok()) return instance.error();
  if (first_time) {
    if (Status s = Desk::make_database(instance.value(), database_); !s.ok()) return s;
  }
  if (Status s = open_desks(instance.value()); !s.ok()) return s;
  instance_.emplace(std::move(instance).value());
  return Ok{};
}
// [/online]

Status Service::open_desks(jet::Instance& instance) {
  std::vector<Desk> desks;
  for (std::size_t i = 0; i < desk_count_; ++i) {
    auto desk = Desk::open(instance, database_);
    if (!desk.ok()) return desk.error();
    desks.push_back(std::move(desk).value());
  }
  desks_ = std::move(desks);
  return Ok{};
}

Error Service::why_closed() const {
  if (!last_start_.ok()) return last_start_.error();
  return Error(Errc::writer_retryable, "the shop is closed for a restore");
}

// ---- Work

Status Service::at_desk(std::size_t desk, const std::function<Status(Desk&)>& work) {
  if (closing_) return Error(Errc::writer_retryable, "the shop is closing");
  const std::shared_lock lock(open_);
  if (!instance_) return why_closed();
  if (desk >= desks_.size()) return Error(Errc::wrong_state, "there is no such desk");
  return work(desks_[desk]);
}

}  // namespace shop
