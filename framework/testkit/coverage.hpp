// What a range of seeds has exercised.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <vector>

#include "framework/testkit/plan.hpp"

namespace stillframe::testkit {

struct Coverage {
  std::uint64_t runs = 0, sessions = 0, writers = 0, volumes = 0, events = 0;
  std::vector<std::uint64_t> rows;  // by row of the table
  std::array<std::array<std::uint64_t, kPlacesMax>, kFaultKinds> faults{};

  Coverage();
  void add(const Coverage& other);

  // Rows and cells of the table, and faults at their places, that were hit fewer than `least`
  // times.
  std::size_t rare_rows(std::uint64_t least) const;
  std::size_t rare_cells(std::uint64_t least) const;
  std::size_t rare_faults(std::uint64_t least) const;
  void print(std::ostream& out, std::uint64_t least) const;
};

}  // namespace stillframe::testkit
