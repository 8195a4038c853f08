// A requestor's connections to the mover of its session: as many as there are readers at once.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include <stillframe/requestor.hpp>

#include "framework/remote/remote_connect.hpp"
#include "requestor/remote/mover_link.hpp"

namespace stillframe::requestor {

class MoverPool {
 public:
  // `calls` answers "backup.mover" and outlives the pool.
  MoverPool(RequestorChannel& calls, RemoteOptions options, const SessionId& session)
      : calls_(calls), options_(std::move(options)), session_(session) {}

  // A link that waits for a request: one that is idle, or a new one with a ticket of its own.
  Result<std::shared_ptr<MoverLink>> acquire();
  // Back, if its last answer was read to the end; else it is dropped.
  void release(std::shared_ptr<MoverLink> link);
  // Wakes whoever waits for a link's bytes; the pool makes no more.
  void abort();

 private:
  Result<std::shared_ptr<MoverLink>> connect();

  RequestorChannel& calls_;
  const RemoteOptions options_;
  const SessionId session_;
  std::mutex mutex_;
  bool aborted_ = false;
  std::vector<std::shared_ptr<MoverLink>> idle_;  // shared: abort() reaches those in use
  std::vector<std::weak_ptr<MoverLink>> all_;
};

// A link for the length of one answer.
class LentLink {
 public:
  static Result<LentLink> from(MoverPool& pool) {
    auto link = pool.acquire();
    if (!link.ok()) return link.error();
    return LentLink(pool, std::move(link).value());
  }
  LentLink(LentLink&&) = default;
  LentLink& operator=(LentLink&&) = delete;

  MoverLink& operator*() const { return *link_; }
  MoverLink* operator->() const { return link_.get(); }
  void give_back() { pool_->release(std::move(link_)); }

 private:
  LentLink(MoverPool& pool, std::shared_ptr<MoverLink> link)
      : pool_(&pool), link_(std::move(link)) {}

  MoverPool* pool_;
  std::shared_ptr<MoverLink> link_;
};

// Sends a request and answers the payload of what comes first. An `error` frame becomes the error,
// and leaves the link good.
Result<MoverLink::Received> ask(LentLink& link, const MoverRequest& request, bool& still_good);

}  // namespace stillframe::requestor
