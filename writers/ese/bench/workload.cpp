#include "writers/ese/bench/workload.hpp"

namespace stillframe::ese::bench {

namespace {

constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15;

// One to one, so that different numbers stay different.
std::uint64_t mixed(std::uint64_t number) {
  number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9;
  number = (number ^ number >> 27) * 0x94D049BB133111EB;
  return number ^ number >> 31;
}

}  // namespace

std::array<std::byte, kKeyBytes> key_of(std::uint64_t number) {
  std::array<std::byte, kKeyBytes> key;
  store_be(key.data(), mixed(number + kStep));
  store_be(key.data() + 8, mixed(number * kStep));
  return key;
}

Row row_of(std::uint64_t number, std::uint32_t version) {
  Row row{key_of(number), {}};
  std::uint64_t word = number + (std::uint64_t{version} << 40);
  for (std::size_t at = 0; at < kValueBytes; at += sizeof word) {
    word += kStep;
    store_le(row.value.data() + at, mixed(word));
  }
  return row;
}

std::uint64_t Chance::below(std::uint64_t limit) {
  state_ += kStep;
  return mixed(state_) % limit;
}

}  // namespace stillframe::ese::bench
