// The demo bank's file: a count of transfers and 64 balances, each 8 bytes in the machine's order.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace demo {

inline constexpr std::size_t kAccounts = 64;
inline constexpr std::int64_t kOpeningBalance = 1'000'000;

struct Books {
  std::int64_t transfers = 0;
  std::array<std::int64_t, kAccounts> balances{};
  std::int64_t sum() const {
    return std::accumulate(balances.begin(), balances.end(), std::int64_t{0});
  }
};

// False when the file is not there or too short.
inline bool read_books(const std::string& path, Books& books) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool whole = pread(fd, &books, sizeof books, 0) == ssize_t{sizeof books};
  close(fd);
  return whole;
}

}  // namespace demo
