// What a process has of JET: its mode, its instances and their sessions, by their handles.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <stillframe/result.hpp>

#include "writers/ese/jet/answer.hpp"
#include "writers/ese/jet/jet_instance.hpp"
#include "writers/ese/jet/jet_session.hpp"
#include "writers/ese/jet/parameters.hpp"

namespace stillframe::ese::jet {

// Calls of a process with one instance may leave it out.
constexpr bool is_none(JET_INSTANCE instance) {
  return instance == 0 || instance == ~JET_INSTANCE{0};
}

// The calls' handles are valid in the whole process, so what they stand for is kept in one place.
// Any thread.
class Process {
 public:
  // Never destroyed: threads may be in calls while the process exits.
  static Process& get();

  // ---- Modes. The first call that needs one decides; when the last instance is gone, nothing is
  // decided any more.
  enum class Mode { undecided, one_instance, several };
  Mode mode() const;
  // RunningInOneInstanceMode; SystemParamsAlreadySet if it is so already.
  Status enable_several();

  // Those that instances begin with, and those of the whole process.
  Parameters& parameters() noexcept { return parameters_; }
  bool has_instances() const;

  // ---- Instances.

  // RunningInOneInstanceMode, InstanceNameInUse, TooManyInstances.
  Result<std::shared_ptr<JetInstance>> create(const std::string& name, const std::string& display);
  // The one of a process that has one; RunningInMultiInstanceMode, AlreadyInitialized.
  Result<std::shared_ptr<JetInstance>> create_only();
  // InvalidParameter.
  Result<std::shared_ptr<JetInstance>> find_instance(JET_INSTANCE instance) const;
  // What calls without an instance, or with none, mean. RunningInMultiInstanceMode,
  // NotInitialized.
  Result<std::shared_ptr<JetInstance>> only_instance() const;
  Result<std::shared_ptr<JetInstance>> named_or_only(JET_INSTANCE instance) const {
    return is_none(instance) ? only_instance() : find_instance(instance);
  }
  std::vector<std::shared_ptr<JetInstance>> instances() const;
  void remove(const JetInstance& instance);

  // ---- Sessions.

  // OutOfSessions.
  Result<JET_SESID> add_session(const InstanceUse& use);
  // InvalidSesid.
  Result<std::shared_ptr<JetSession>> find_session(JET_SESID sesid) const;
  std::vector<std::shared_ptr<JetSession>> sessions_of(const JetInstance& instance) const;
  void remove_session(JET_SESID sesid);

 private:
  Process() = default;
  Result<std::shared_ptr<JetInstance>> add(const std::string& name, const std::string& display);

  Parameters parameters_;
  mutable std::shared_mutex mutex_;
  Mode mode_ = Mode::undecided;
  std::map<JET_INSTANCE, std::shared_ptr<JetInstance>> instances_;
  // With whoever is in a call of it: it may be ended meanwhile.
  std::unordered_map<JET_SESID, std::shared_ptr<JetSession>> sessions_;
};

// The session of a call: it is this thread's while the call lasts, and its instance runs.
class [[nodiscard]] SessionUse {
 public:
  // InvalidSesid, what InstanceUse says, SessionSharingViolation.
  static Result<SessionUse> enter(JET_SESID sesid);
  SessionUse(SessionUse&& other) noexcept = default;
  SessionUse& operator=(SessionUse&&) = delete;
  ~SessionUse() {
    if (session_ != nullptr) session_->leave();
  }

  JetSession& session() const noexcept { return *session_; }
  const InstanceUse& instance() const noexcept { return instance_; }

 private:
  SessionUse(InstanceUse instance, std::shared_ptr<JetSession> session)
      : instance_(std::move(instance)), session_(std::move(session)) {}

  InstanceUse instance_;
  std::shared_ptr<JetSession> session_;  // null when moved from
};

// What calls of an instance that belong to backups do: `call` runs inside it.
template <class Call>
JET_ERR in_instance(JET_INSTANCE instance, const Call& call) noexcept {
  return answer([&]() -> Answer {
    const auto found = Process::get().named_or_only(instance);
    if (!found.ok()) return found.error();
    const auto use = InstanceUse::enter_for_backup(found.value());
    if (!use.ok()) return use.error();
    return call(use.value().instance());
  });
}

// What calls of a session, and those of a table, do: `call` runs with these found and safe to use.
template <class Call>
JET_ERR in_session(JET_SESID sesid, const Call& call) noexcept {
  return answer([&]() -> Answer {
    const auto use = SessionUse::enter(sesid);
    if (!use.ok()) return use.error();
    return call(use.value().session());
  });
}
template <class Call>
JET_ERR in_table(JET_SESID sesid, JET_TABLEID tableid, const Call& call) noexcept {
  return in_session(sesid, [&](JetSession& session) -> Answer {
    const auto cursor = session.find_cursor(tableid);
    if (!cursor.ok()) return cursor.error();
    return call(session, *cursor.value());
  });
}

}  // namespace stillframe::ese::jet
