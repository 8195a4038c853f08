// The shop as a service that a restore may close and open again.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include <stillframe/ese/writer.hpp>

#include "samples/shop/books.hpp"

namespace shop {

// Any thread.
class Service final : public jet::InstanceOwner {
 public:
  // The database in `folder`, its logs in a folder below. `desks` can work at the same time.
  Service(std::string folder, std::size_t desks);
  ~Service() override;

  // Opens for the first time: already_exists where there is a shop, or what is left of one.
  Status found();

  jet::InstanceFiles files() const;
  Result<JET_INSTANCE> running() const override;
  Status go_offline() override;
  Status go_online() override;

  // While the shop is open `work` has the desk to itself, if nobody else uses its number; else it
  // is not begun, and the error says why the shop is closed.
  Status at_desk(std::size_t desk, const std::function<Status(Desk&)>& work);

 private:
  Status open(bool first_time);
  Status open_desks(jet::Instance& instance);
  Error why_closed() const;

  const std::string folder_, logs_, database_;
  const std::size_t desk_count_;
  std::atomic<bool> closing_{false};  // whoever comes now has to wait outside
  mutable std::shared_mutex open_;    // shared by work at desks; alone by who opens or closes
  std::optional<jet::Instance> instance_;
  std::vector<Desk> desks_;  // go before the instance
  Status last_start_ = Ok{};
};

}  // namespace shop
