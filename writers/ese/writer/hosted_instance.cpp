#include "writers/ese/writer/hosted_instance.hpp"

#include <utility>

#include <stillframe/writer_host.hpp>

namespace stillframe::ese {

Status HostedInstance::open() {
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
    const auto attached =
        files_.exists(path) ? instance.attach_database(path) : instance.create_database(path);
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

std::shared_ptr<Instance> HostedInstance::get() const {
  const std::lock_guard lock(mutex_);
  return instance_;
}

}  // namespace stillframe::ese
