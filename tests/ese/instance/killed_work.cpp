#include "tests/ese/instance/killed_work.hpp"

#include <random>
#include <utility>

namespace stillframe::ese::tests {

namespace {

constexpr std::int32_t kRowsOfThread = 40;
constexpr std::uint32_t kPageBytes[] = {2048, 4096, 8192, 16384, 32768};

}  // namespace

KilledWork::KilledWork(BytePath folder, std::uint64_t seed)
    : folder_(std::move(folder)), seed_(seed) {}

InstanceOptions KilledWork::options() const {
  InstanceOptions options;
  options.logs = folder_ + "/logs";
  options.page_bytes = kPageBytes[seed_ % std::size(kPageBytes)];
  options.database_pages = 64;
  options.cache_bytes = std::size_t{96} * options.page_bytes;
  options.log_bytes = 256 << 10;
  options.checkpoint_depth = 512 << 10;
  options.circular = seed_ % 2 == 0;
  options.background_pause = std::chrono::milliseconds(2);
  options.clock = log_time_now;
  options.random = random_number;
  return options;
}

BytePath KilledWork::database(std::size_t number) const {
  return folder_ + "/" + std::to_string(number) + ".edb";
}

TableSpec KilledWork::table() {
  TableSpec spec;
  spec.name = kWorkTable;
  spec.columns = {{.name = "id", .type = ColumnType::long_int, .flags = kColumnNotNull},
                  {.name = "number", .type = ColumnType::long_int},
                  {.name = "sum",
                   .type = ColumnType::long_int,
                   .flags = kColumnEscrow,
                   .default_value = little(0)},
                  {.name = "blob", .type = ColumnType::long_binary}};
  spec.indexes = {{.name = "id", .flags = kIndexPrimary | kIndexAllNulls, .segments = {{"id"}}},
                  {.name = "number", .segments = {{"number", true}}},
                  {.name = "blob", .segments = {{"blob"}}}};
  return spec;
}

PlannedTransaction KilledWork::transaction(std::size_t thread, std::int32_t number) const {
  std::seed_seq seeds{seed_, std::uint64_t{thread}, static_cast<std::uint64_t>(number)};
  std::mt19937 random(seeds);
  PlannedTransaction planned;
  for (std::size_t i = 1 + random() % 5; i > 0; --i) {
    const auto slot = static_cast<std::int32_t>(random() % kRowsOfThread);
    planned.changes.push_back({random() % kWorkDatabases,
                               static_cast<std::int32_t>(thread) * 1000 + slot, random() % 4 == 0});
  }
  const auto chance = random() % 8;
  planned.ending = chance == 0 ? Ending::rolled_back : chance < 4 ? Ending::lazy : Ending::durable;
  return planned;
}

Value KilledWork::blob(std::int32_t id, std::int32_t number) const {
  std::seed_seq seeds{seed_, static_cast<std::uint64_t>(id), static_cast<std::uint64_t>(number)};
  std::mt19937 random(seeds);
  Value value(random() % 10 == 0 ? random() % 20'000 : random() % 900);
  for (std::byte& byte : value) byte = static_cast<std::byte>(random());
  return value;
}

}  // namespace stillframe::ese::tests
