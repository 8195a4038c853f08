#include "writers/ese/writer/hosted_instance.hpp"

#include <utility>

#include <stillframe/writer_host.hpp>

#include "framework/base/path.hpp"

namespace stillframe::ese {

Status HostedInstance::open() {
  Status opened = start();
  const std::lock_guard lock(mutex_);
  why_closed_ = opened;
  return opened;
}

Status HostedInstance::start() {
  if (get() != nullptr) return Ok{};
  if (Status gate = startup_gate(options_.logs); !gate.ok()) return gate;
  auto record = read_interlock(options_.logs);
  auto started = Instance::start(files_, options_);
  if (!started.ok()) return started.error();
  if (Status s = attach(*started.value()); !s.ok()) return s;
  if (record.ok()) {
    record.value().state = InterlockRecord::State::recovered;
    if (Status s = update_interlock(options_.logs, record.value()); !s.ok()) return s;
    if (Status s = remove_interlock(options_.logs); !s.ok()) return s;
  }
  const std::lock_guard lock(mutex_);
  instance_ = std::move(started).value();
  return Ok{};
}

Status HostedInstance::attach(Instance& instance) const {
  for (const BytePath& path : databases_) {
    const bool there = files_.exists(path);
    // An empty one in its place would hide that it is lost.
    if (!there && instance.recovered()) {
      return Error(Errc::not_found,
                   "the database '" + escape_path(path) +
                       "' is not there, though logs are: restore it from a backup; if there never "
                       "was one, remove the logs in '" +
                       escape_path(options_.logs) + "' and open again");
    }
    const auto attached = there ? instance.attach_database(path) : instance.create_database(path);
    if (!attached.ok()) return attached.error();
  }
  return Ok{};
}

Status HostedInstance::close() {
  std::shared_ptr<Instance> instance = get();
  if (instance == nullptr) return Ok{};
  if (Status s = instance->stop(); !s.ok()) return s;
  const std::lock_guard lock(mutex_);
  instance_.reset();
  return Ok{};
}

Status HostedInstance::why_closed() const {
  const std::lock_guard lock(mutex_);
  return why_closed_;
}

std::shared_ptr<Instance> HostedInstance::get() const {
  const std::lock_guard lock(mutex_);
  return instance_;
}

}  // namespace stillframe::ese
