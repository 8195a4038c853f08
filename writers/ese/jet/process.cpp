#include "writers/ese/jet/process.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "writers/ese/jet/handles.hpp"

namespace stillframe::ese::jet {

Process& Process::get() {
  static Process* const process = new Process;
  return *process;
}

// ---- Modes

Process::Mode Process::mode() const {
  const std::shared_lock lock(mutex_);
  return mode_;
}

Status Process::enable_several() {
  const std::unique_lock lock(mutex_);
  if (mode_ == Mode::one_instance) {
    return jet_error(JET_errRunningInOneInstanceMode, "the process has its one instance");
  }
  if (mode_ == Mode::several) {
    return jet_error(JET_errSystemParamsAlreadySet, "the process may have several instances");
  }
  mode_ = Mode::several;
  return Ok{};
}

bool Process::has_instances() const {
  const std::shared_lock lock(mutex_);
  return !instances_.empty();
}

// ---- Instances

Result<std::shared_ptr<JetInstance>> Process::add(const std::string& name,
                                                  const std::string& display) {
  if (instances_.size() >= parameters_.number(JET_paramMaxInstances)) {
    return jet_error(JET_errTooManyInstances, "the process has as many instances as it may");
  }
  const JET_INSTANCE handle = new_handle();
  auto made = std::make_shared<JetInstance>(handle, name, display, parameters_);
  instances_.emplace(handle, made);
  return made;
}

Result<std::shared_ptr<JetInstance>> Process::create(const std::string& name,
                                                     const std::string& display) {
  const std::unique_lock lock(mutex_);
  if (mode_ == Mode::one_instance) {
    return jet_error(JET_errRunningInOneInstanceMode, "the process has its one instance");
  }
  const bool taken =
      !name.empty() && std::any_of(instances_.begin(), instances_.end(),
                                   [&](const auto& each) { return each.second->name() == name; });
  if (taken) {
    return jet_error(JET_errInstanceNameInUse, "there is an instance '" + name + "'");
  }
  auto made = add(name, display);
  if (made.ok()) mode_ = Mode::several;
  return made;
}

Result<std::shared_ptr<JetInstance>> Process::create_only() {
  const std::unique_lock lock(mutex_);
  if (mode_ == Mode::several) {
    return jet_error(JET_errRunningInMultiInstanceMode,
                     "the process may have several instances; create one first");
  }
  if (!instances_.empty()) {
    const Status state = instances_.begin()->second->check_can_start();
    return state.ok() ? jet_error(JET_errInitInProgress, "the instance is starting")
                      : state.error();
  }
  auto made = add({}, {});
  if (made.ok()) mode_ = Mode::one_instance;
  return made;
}

Result<std::shared_ptr<JetInstance>> Process::find_instance(JET_INSTANCE instance) const {
  const std::shared_lock lock(mutex_);
  const auto found = instances_.find(instance);
  if (found != instances_.end()) return found->second;
  return jet_error(JET_errInvalidParameter, "there is no such instance");
}

Result<std::shared_ptr<JetInstance>> Process::only_instance() const {
  const std::shared_lock lock(mutex_);
  if (mode_ == Mode::several) {
    return jet_error(JET_errRunningInMultiInstanceMode,
                     "the process may have several instances: name the one that is meant");
  }
  if (!instances_.empty()) return instances_.begin()->second;
  return jet_error(JET_errNotInitialized, "there is no instance");
}

std::vector<std::shared_ptr<JetInstance>> Process::instances() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<JetInstance>> all;
  for (const auto& [handle, instance] : instances_) all.push_back(instance);
  return all;
}

void Process::remove(const JetInstance& instance) {
  const std::unique_lock lock(mutex_);
  instances_.erase(instance.handle());
  if (instances_.empty()) mode_ = Mode::undecided;
}

// ---- Sessions

Result<JET_SESID> Process::add_session(const InstanceUse& use) {
  const std::unique_lock lock(mutex_);
  const auto count = static_cast<std::size_t>(
      std::count_if(sessions_.begin(), sessions_.end(),
                    [&](const auto& each) { return &each.second->instance() == &use.instance(); }));
  if (count >= use.instance().parameters().number(JET_paramMaxSessions)) {
    return jet_error(JET_errOutOfSessions, "the instance has as many sessions as it may");
  }
  auto opened = use.instance().engine().open_session();
  if (!opened.ok()) return opened.error();
  const JET_SESID handle = new_handle();
  sessions_.emplace(handle,
                    std::make_shared<JetSession>(handle, use.shared(), std::move(opened).value()));
  return handle;
}

Result<std::shared_ptr<JetSession>> Process::find_session(JET_SESID sesid) const {
  const std::shared_lock lock(mutex_);
  const auto found = sessions_.find(sesid);
  if (found != sessions_.end()) return found->second;
  return jet_error(JET_errInvalidSesid, "there is no such session");
}

std::vector<std::shared_ptr<JetSession>> Process::sessions_of(const JetInstance& instance) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<JetSession>> all;
  for (const auto& [handle, session] : sessions_) {
    if (&session->instance() == &instance) all.push_back(session);
  }
  return all;
}

void Process::remove_session(JET_SESID sesid) {
  const std::unique_lock lock(mutex_);
  sessions_.erase(sesid);
}

// ---- Calls

Result<SessionUse> SessionUse::enter(JET_SESID sesid) {
  auto session = Process::get().find_session(sesid);
  if (!session.ok()) return session.error();
  auto instance = InstanceUse::enter(session.value()->shared_instance());
  if (!instance.ok()) return instance.error();
  if (Status s = session.value()->enter(); !s.ok()) return s.error();
  return SessionUse(std::move(instance).value(), std::move(session).value());
}

}  // namespace stillframe::ese::jet
