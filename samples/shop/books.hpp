// The shop's tables, and what a clerk does with them: items with their stock, orders, and the lines
// of orders. An order, its lines and the stock that it takes are one transaction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <stillframe/ese/ese.hpp>

namespace shop {

namespace jet = stillframe::jet;
using stillframe::Errc;
using stillframe::Error;
using stillframe::Ok;
using stillframe::Result;
using stillframe::Status;

inline constexpr std::int32_t kItems = 400;
inline constexpr std::int32_t kOpeningStock = 10'000'000;

struct Wanted {
  std::int32_t item = 0, quantity = 0;
};

// What a customer takes home: the order is durable.
struct Receipt {
  std::int32_t order = 0;
  std::int64_t total = 0;  // in cents
};

struct Balance {
  std::int32_t orders = 0, newest = 0;
  std::int64_t revenue = 0;
};

// A desk with a session of its own: one thread at a time. Goes before its instance does.
class Desk {
 public:
  // With the first stock in it.
  static Status make_database(jet::Instance& instance, const std::string& path);
  static Result<Desk> open(jet::Instance& instance, const std::string& path);

  // Again and again while others are after the same item, up to a limit: in_use.
  Result<Receipt> sell(const std::string& customer, const std::vector<Wanted>& wanted);
  // The order as it is in the books; not_found.
  Result<Receipt> find(std::int32_t order);
  // corrupt, unless every order is the sum of its lines, and what was sold is missing in the stock.
  Result<Balance> audit();

 private:
  Desk(jet::Session session, jet::Database database, jet::Table items, jet::Table orders,
       jet::Table lines)
      : session_(std::move(session)),
        database_(std::move(database)),
        items_(std::move(items)),
        orders_(std::move(orders)),
        lines_(std::move(lines)) {}

  Result<Receipt> sell_once(const std::string& customer, const std::vector<Wanted>& wanted);
  Result<std::int64_t> take(const Wanted& wanted);
  Status audit_orders(Balance& balance, std::vector<std::int64_t>& sold);
  Status audit_stock(const std::vector<std::int64_t>& sold);

  jet::Session session_;
  jet::Database database_;
  jet::Table items_, orders_, lines_;
};

}  // namespace shop
