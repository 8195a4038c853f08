// Stands before the coordinator and lets through what a connection has the right to. Every method
// that changes something leaves a line in the audit trail, refused or not.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "framework/base/event_sink.hpp"
#include "framework/daemon/access/access_policy.hpp"
#include "framework/transport/requestor_handler.hpp"

namespace stillframe::daemon {

// Ids of the audit trail; docs/events.md says what each means.
inline constexpr int kEventAllowed = 2101;
inline constexpr int kEventDenied = 2102;

// The right a method takes; `manage` for methods this version does not know.
Right right_for(std::string_view method) noexcept;

// Shared by all that serve: replaced as a whole when the configuration is read again.
class SharedPolicy {
 public:
  explicit SharedPolicy(AccessPolicy policy)
      : policy_(std::make_shared<const AccessPolicy>(std::move(policy))) {}
  std::shared_ptr<const AccessPolicy> get() const {
    const std::lock_guard lock(mutex_);
    return policy_;
  }
  void set(AccessPolicy policy) {
    auto next = std::make_shared<const AccessPolicy>(std::move(policy));
    const std::lock_guard lock(mutex_);
    policy_ = std::move(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const AccessPolicy> policy_;
};

class AccessHandler final : public RequestorHandler {
 public:
  // Connections get at most `ceiling`, whoever they are. All three outlive the handler.
  AccessHandler(RequestorHandler& next, const SharedPolicy& policy, EventSink& audit,
                Rights ceiling = Rights::all())
      : next_(next), policy_(policy), audit_(audit), ceiling_(ceiling) {}

  Status connection_opened(const RequestorPeer& peer, EventPush push) override;
  void handle(ConnectionId connection, std::string method, std::string params_json,
              ReplyHandler reply) override;
  void connection_closed(ConnectionId connection) override;

 private:
  void note(const RequestorPeer& peer, const std::string& method, const std::string& params_json,
            bool allowed, const Status& outcome);

  RequestorHandler& next_;
  const SharedPolicy& policy_;
  EventSink& audit_;
  const Rights ceiling_;
  std::mutex mutex_;
  std::map<ConnectionId, RequestorPeer> peers_;
};

}  // namespace stillframe::daemon
