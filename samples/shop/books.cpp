#include "samples/shop/books.hpp"

#include <chrono>
#include <thread>
#include <utility>

namespace shop {

namespace {

constexpr jet::Column<std::int32_t> kItem{"item"};
constexpr jet::Column<std::string> kName{"name"};
constexpr jet::Column<std::int32_t> kPrice{"price"};
constexpr jet::Column<std::int32_t> kStock{"stock"};
constexpr jet::Index<std::int32_t> kByItem{"by_item"};

constexpr jet::Column<std::int32_t> kOrder{"order"};
constexpr jet::Column<std::string> kCustomer{"customer"};
constexpr jet::Column<jet::Date> kPlaced{"placed"};
constexpr jet::Column<std::int64_t> kTotal{"total"};
constexpr jet::Index<std::int32_t> kByOrder{"by_order"};
constexpr jet::Index<std::string, std::int32_t> kByCustomer{"by_customer"};

constexpr jet::Column<std::int32_t> kLine{"line"};
constexpr jet::Column<std::int32_t> kQuantity{"quantity"};
constexpr jet::Index<std::int32_t, std::int32_t> kByLine{"by_line"};

const jet::TableDefinition kItemTable = jet::TableDefinition("items")
                                            .column(kItem, jet::kNotNull)
                                            .column(kName, jet::kNotNull)
                                            .column(kPrice, jet::kNotNull)
                                            .column(kStock, jet::kNotNull)
                                            .primary(kByItem, kItem);
const jet::TableDefinition kOrderTable = jet::TableDefinition("orders")
                                             .column(kOrder, jet::kCounted)
                                             .column(kCustomer, jet::kNotNull)
                                             .column(kPlaced, jet::kNotNull)
                                             .column(kTotal, jet::kNotNull)
                                             .primary(kByOrder, kOrder)
                                             .index(kByCustomer, kCustomer, kOrder);
const jet::TableDefinition kLineTable = jet::TableDefinition("lines")
                                            .column(kOrder, jet::kNotNull)
                                            .column(kLine, jet::kNotNull)
                                            .column(kItem, jet::kNotNull)
                                            .column(kQuantity, jet::kNotNull)
                                            .column(kPrice, jet::kNotNull)
                                            .primary(kByLine, kOrder, kLine);

constexpr int kTriesMax = 200;
constexpr std::chrono::milliseconds kBetweenTries{1};

jet::Date now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Status stock_up(jet::Table& items) {
  for (std::int32_t item = 1; item <= kItems; ++item) {
    jet::RowWriter row = items.insert();
    row.set(kItem, item).set(kName, "item " + std::to_string(item));
    row.set(kPrice, 100 + 37 * item).set(kStock, kOpeningStock);
    if (Status s = row.save(); !s.ok()) return s;
  }
  return Ok{};
}

Error wrong(std::int32_t order, const std::string& what) {
  return Error(Errc::corrupt, "order " + std::to_string(order) + ": " + what);
}

}  // namespace

// ---- Opening

Status Desk::make_database(jet::Instance& instance, const std::string& path) {
  auto session = instance.session();
  if (!session.ok()) return session.error();
  auto database = session.value().create_database(path);
  if (!database.ok()) return database.error();
  auto transaction = session.value().begin();
  if (!transaction.ok()) return transaction.error();
  {
    auto items = database.value().create_table(kItemTable);
    if (!items.ok()) return items.error();
    auto orders = database.value().create_table(kOrderTable);
    if (!orders.ok()) return orders.error();
    auto lines = database.value().create_table(kLineTable);
    if (!lines.ok()) return lines.error();
    if (Status s = stock_up(items.value()); !s.ok()) return s;
  }
  return transaction.value().commit();
}

Result<Desk> Desk::open(jet::Instance& instance, const std::string& path) {
  auto session = instance.session();
  if (!session.ok()) return session.error();
  auto database = session.value().open_database(path);
  if (!database.ok()) return database.error();
  auto items = database.value().open_table(kItemTable.name());
  if (!items.ok()) return items.error();
  auto orders = database.value().open_table(kOrderTable.name());
  if (!orders.ok()) return orders.error();
  auto lines = database.value().open_table(kLineTable.name());
  if (!lines.ok()) return lines.error();
  return Desk(std::move(session).value(), std::move(database).value(), std::move(items).value(),
              std::move(orders).value(), std::move(lines).value());
}

// ---- Selling

Result<Receipt> Desk::sell(const std::string& customer, const std::vector<Wanted>& wanted) {
  for (int tries = 1;; ++tries) {
    auto sold = sell_once(customer, wanted);
    if (sold.ok() || sold.error().code() != Errc::in_use || tries == kTriesMax) return sold;
    std::this_thread::sleep_for(kBetweenTries);  // somebody else is taking the same item
  }
}

Result<Receipt> Desk::sell_once(const std::string& customer, const std::vector<Wanted>& wanted) {
  auto transaction = session_.begin();
  if (!transaction.ok()) return transaction.error();
  jet::RowWriter order = orders_.insert();
  auto number = order.get(kOrder);
  if (!number.ok()) return number.error();
  Receipt receipt{number.value(), 0};
  std::int32_t at = 0;
  for (const Wanted& each : wanted) {
    auto price = take(each);
    if (!price.ok()) return price.error();
    receipt.total += price.value() * each.quantity;
    jet::RowWriter line = lines_.insert();
    line.set(kOrder, receipt.order).set(kLine, ++at).set(kItem, each.item);
    line.set(kQuantity, each.quantity).set(kPrice, static_cast<std::int32_t>(price.value()));
    if (Status s = line.save(); !s.ok()) return s.error();
  }
  order.set(kCustomer, customer).set(kPlaced, now()).set(kTotal, receipt.total);
  if (Status s = order.save(); !s.ok()) return s.error();
  if (Status s = transaction.value().commit(); !s.ok()) return s.error();
  return receipt;
}

// From the stock; its price is returned.
Result<std::int64_t> Desk::take(const Wanted& wanted) {
  if (wanted.quantity <= 0) return Error(Errc::invalid_argument, "an order is of one at least");
  auto item = items_.seek(kByItem, wanted.item);
  if (!item.ok()) return item.error();
  auto columns = item.value().get(kPrice, kStock);
  if (!columns.ok()) return columns.error();
  const auto [price, stock] = columns.value();
  if (stock < wanted.quantity) {
    return Error(Errc::not_found, "item " + std::to_string(wanted.item) + " is sold out");
  }
  Status taken = item.value().update().set(kStock, stock - wanted.quantity).save();
  if (!taken.ok()) return taken.error();
  return std::int64_t{price};
}

// ---- Reading

Result<Receipt> Desk::find(std::int32_t order) {
  auto row = orders_.seek(kByOrder, order);
  if (!row.ok()) return row.error().while_doing("looking for order " + std::to_string(order));
  auto total = row.value().get(kTotal);
  if (!total.ok()) return total.error();
  return Receipt{order, total.value()};
}

Result<Balance> Desk::audit() {
  auto transaction = session_.begin(JET_bitTransactionReadOnly);  // all of one moment
  if (!transaction.ok()) return transaction.error();
  Balance balance;
  std::vector<std::int64_t> sold(kItems + 1);
  if (Status s = audit_orders(balance, sold); !s.ok()) return s.error();
  if (Status s = audit_stock(sold); !s.ok()) return s.error();
  return balance;
}

Status Desk::audit_orders(Balance& balance, std::vector<std::int64_t>& sold) {
  jet::Rows orders = orders_.rows(kByOrder.all());
  for (jet::Row row : orders) {
    auto columns = row.get(kOrder, kTotal);
    if (!columns.ok()) return columns.error();
    const auto [order, total] = columns.value();
    std::int64_t sum = 0;
    jet::Rows lines = lines_.rows(kByLine.equal(order));
    for (jet::Row line : lines) {
      auto parts = line.get(kItem, kQuantity, kPrice);
      if (!parts.ok()) return parts.error();
      const auto [item, quantity, price] = parts.value();
      if (item < 1 || item > kItems) return wrong(order, "there is no such item");
      sold[static_cast<std::size_t>(item)] += quantity;
      sum += std::int64_t{quantity} * price;
    }
    if (!lines.status().ok()) return lines.status();
    if (sum != total) return wrong(order, "its lines are not what was paid for");
    ++balance.orders;
    balance.newest = order;
    balance.revenue += total;
  }
  return orders.status();
}

Status Desk::audit_stock(const std::vector<std::int64_t>& sold) {
  jet::Rows items = items_.rows(kByItem.all());
  for (jet::Row row : items) {
    auto columns = row.get(kItem, kStock);
    if (!columns.ok()) return columns.error();
    const auto [item, stock] = columns.value();
    if (stock + sold[static_cast<std::size_t>(item)] == kOpeningStock) continue;
    return Error(Errc::corrupt, "the stock of item " + std::to_string(item) +
                                    " is not what the orders have left of it");
  }
  return items.status();
}

}  // namespace shop
