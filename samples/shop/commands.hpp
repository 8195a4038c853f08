// What the shop can be told on its standard input.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "samples/shop/service.hpp"

namespace shop {

inline constexpr std::size_t kClerks = 4;
inline constexpr std::size_t kDesks = kClerks + 1;  // the last one answers commands

// Clerks, each a thread, with the slips that they give out.
class Clerks {
 public:
  // `receipts`: where each order is noted once it is durable; empty: nowhere.
  Clerks(Service& service, std::string receipts);
  ~Clerks();

  // They sell until they are sent home.
  void start();
  void send_home();
  // So many orders, shared between them. They are not selling otherwise.
  Status sell(int orders);

 private:
  Status sell_one(std::size_t clerk, std::uint32_t& dice);
  Status note(const Receipt& receipt) const;

  Service& service_;
  const std::string path_;
  int receipts_ = -1;  // a descriptor
  std::atomic<bool> home_{true};
  std::vector<std::thread> threads_;
};

// One line in, one line out.
std::string answer(Service& service, Clerks& clerks, const std::string& line);

}  // namespace shop
