#include "samples/shop/commands.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace shop {

namespace {

constexpr std::size_t kFrontDesk = kClerks;
constexpr std::chrono::milliseconds kWhileClosed{20};
constexpr std::size_t kLinesMax = 4;

// Any sequence will do, and each clerk has another one.
std::uint32_t roll(std::uint32_t& dice, std::uint32_t sides) {
  dice = dice * 1'664'525U + 1'013'904'223U;
  return (dice >> 8) % sides;
}

std::vector<Wanted> some_wishes(std::uint32_t& dice) {
  std::vector<Wanted> wanted(1 + roll(dice, kLinesMax));
  // Clerks that wait for each other's items in different orders would only try again.
  std::int32_t item = 1 + static_cast<std::int32_t>(roll(dice, kItems / kLinesMax));
  for (Wanted& each : wanted) {
    each = {item, 1 + static_cast<std::int32_t>(roll(dice, 5))};
    item += 1 + static_cast<std::int32_t>(roll(dice, kItems / kLinesMax));
  }
  return wanted;
}

std::string said(const Status& status, std::string good) {
  return status.ok() ? std::move(good) : "error " + status.error().what();
}

std::string balance(Service& service) {
  Balance balance;
  const Status read = service.at_desk(kFrontDesk, [&](Desk& desk) -> Status {
    auto found = desk.audit();
    if (!found.ok()) return found.error();
    balance = found.value();
    return Ok{};
  });
  return said(read, std::to_string(balance.orders) + " orders, " + std::to_string(balance.revenue) +
                        " cents, newest " + std::to_string(balance.newest));
}

std::string enter_order(Service& service, std::istringstream& words) {
  std::string customer;
  Wanted wanted;
  words >> customer >> wanted.item >> wanted.quantity;
  Receipt receipt;
  const Status sold = service.at_desk(kFrontDesk, [&](Desk& desk) -> Status {
    auto entered = desk.sell(customer, {wanted});
    if (!entered.ok()) return entered.error();
    receipt = entered.value();
    return Ok{};
  });
  return said(sold, std::to_string(receipt.order) + " " + std::to_string(receipt.total));
}

// Every receipt of a file, or of its first lines, has its order in the books.
std::string check(Service& service, std::istringstream& words) {
  std::string path;
  std::size_t first = SIZE_MAX, found = 0;
  words >> path;
  if (!(words >> first)) first = SIZE_MAX;
  std::ifstream receipts(path);
  if (!receipts) return "error there are no receipts in '" + path + "'";
  const Status looked = service.at_desk(kFrontDesk, [&](Desk& desk) -> Status {
    for (Receipt slip; found < first && receipts >> slip.order >> slip.total; ++found) {
      auto kept = desk.find(slip.order);
      if (!kept.ok()) return kept.error();
      if (kept.value().total != slip.total) {
        return Error(Errc::corrupt, "order " + std::to_string(slip.order) + " is another one");
      }
    }
    return Ok{};
  });
  return said(looked, std::to_string(found) + " receipts, all in the books");
}

}  // namespace

// ---- Clerks

Clerks::Clerks(Service& service, std::string receipts)
    : service_(service), path_(std::move(receipts)) {
  if (!path_.empty()) {
    receipts_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }
}

Clerks::~Clerks() {
  send_home();
  if (receipts_ >= 0) ::close(receipts_);
}

void Clerks::start() {
  send_home();
  home_ = false;
  for (std::size_t clerk = 0; clerk < kClerks; ++clerk) {
    threads_.emplace_back([this, clerk] {
      auto dice = static_cast<std::uint32_t>(clerk);
      while (!home_) {
        if (!sell_one(clerk, dice).ok()) std::this_thread::sleep_for(kWhileClosed);
      }
    });
  }
}

void Clerks::send_home() {
  home_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Status Clerks::sell(int orders) {
  send_home();
  std::vector<Status> done(kClerks, Ok{});
  std::atomic<int> left{orders};
  for (std::size_t clerk = 0; clerk < kClerks; ++clerk) {
    threads_.emplace_back([this, clerk, &done, &left] {
      auto dice = static_cast<std::uint32_t>(clerk);
      while (done[clerk].ok() && left-- > 0) done[clerk] = sell_one(clerk, dice);
    });
  }
  send_home();
  for (const Status& each : done) {
    if (!each.ok()) return each;
  }
  return Ok{};
}

Status Clerks::sell_one(std::size_t clerk, std::uint32_t& dice) {
  const std::string customer = "customer " + std::to_string(roll(dice, 1000));
  return service_.at_desk(clerk, [&](Desk& desk) -> Status {
    auto sold = desk.sell(customer, some_wishes(dice));
    if (!sold.ok()) return sold.error();
    return note(sold.value());
  });
}

// One write each, so that no two mix, and none is lost with the process.
Status Clerks::note(const Receipt& receipt) const {
  if (path_.empty()) return Ok{};
  const std::string slip =
      std::to_string(receipt.order) + " " + std::to_string(receipt.total) + "\n";
  if (::write(receipts_, slip.data(), slip.size()) == static_cast<ssize_t>(slip.size()))
    return Ok{};
  return Error(Errc::io, "writing '" + path_ + "': " + std::strerror(errno));
}

// ---- Commands

std::string answer(Service& service, Clerks& clerks, const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  words >> verb;
  if (verb == "order") return enter_order(service, words);
  if (verb == "balance") return balance(service);
  if (verb == "check") return check(service, words);
  if (verb == "sell") {
    int orders = 0;
    words >> orders;
    return said(clerks.sell(orders), "sold");
  }
  if (verb == "open") {
    clerks.start();
    return "selling";
  }
  if (verb == "close") {
    clerks.send_home();
    return "closed";
  }
  return "error there is no '" + verb + "'";
}

}  // namespace shop
