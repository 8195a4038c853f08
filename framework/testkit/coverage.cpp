#include "framework/testkit/coverage.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <set>

namespace stillframe::testkit {
namespace {

using machine::session_table;

// Calls `visit(phase, event, rows, hits)` for every cell that has a row.
template <class Visit>
void for_each_cell(const Coverage& coverage, Visit visit) {
  for (int phase = 0; phase < machine::kPhases; ++phase) {
    for (int event = 0; event < machine::kEventKinds; ++event) {
      const auto rows = session_table().at(static_cast<machine::Phase>(phase),
                                           static_cast<machine::EventKind>(event));
      if (rows.empty()) continue;
      std::uint64_t hits = 0;
      for (auto row : rows) hits += coverage.rows[row];
      visit(static_cast<machine::Phase>(phase), static_cast<machine::EventKind>(event), rows, hits);
    }
  }
}

template <class Visit>
void for_each_fault(const Coverage& coverage, Visit visit) {
  std::set<std::pair<FaultKind, std::uint8_t>> seen;
  for (const FaultCell& cell : fault_cells()) {
    if (!seen.insert({cell.kind, cell.place}).second) continue;
    Fault fault;
    fault.kind = cell.kind;
    fault.place = cell.place;
    visit(fault, coverage.faults[static_cast<std::size_t>(cell.kind)][cell.place]);
  }
}

}  // namespace

Coverage::Coverage() : rows(session_table().rows().size()) {}

void Coverage::add(const Coverage& other) {
  runs += other.runs;
  sessions += other.sessions;
  writers += other.writers;
  volumes += other.volumes;
  events += other.events;
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += other.rows[i];
  for (std::size_t i = 0; i < faults.size(); ++i) {
    for (std::size_t k = 0; k < faults[i].size(); ++k) faults[i][k] += other.faults[i][k];
  }
}

std::size_t Coverage::rare_rows(std::uint64_t least) const {
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [&](std::uint64_t hits) { return hits < least; }));
}

std::size_t Coverage::rare_cells(std::uint64_t least) const {
  std::size_t rare = 0;
  for_each_cell(*this, [&](auto, auto, auto, std::uint64_t hits) { rare += hits < least ? 1 : 0; });
  return rare;
}

std::size_t Coverage::rare_faults(std::uint64_t least) const {
  std::size_t rare = 0;
  for_each_fault(*this, [&](const Fault&, std::uint64_t hits) { rare += hits < least ? 1 : 0; });
  return rare;
}

void Coverage::print(std::ostream& out, std::uint64_t least) const {
  const auto count = [&](std::uint64_t hits) {
    out << std::right << std::setw(10) << hits << (hits < least ? "  RARE" : "") << '\n';
  };
  out << "legal cells (phase, event, times taken), with their rows where there are several:\n";
  for_each_cell(*this, [&](auto phase, auto event, auto rows_of_cell, std::uint64_t hits) {
    out << "  " << std::left << std::setw(20) << to_string(phase) << ' ' << std::setw(20)
        << to_string(event) << ' ';
    count(hits);
    if (rows_of_cell.size() < 2) return;
    for (auto row : rows_of_cell) {
      out << "    if " << std::left << std::setw(36) << to_string(session_table().rows()[row].guard)
          << ' ';
      count(rows[row]);
    }
  });
  out << "faults (fault, where, times fired):\n";
  for_each_fault(*this, [&](const Fault& fault, std::uint64_t hits) {
    out << "  " << std::left << std::setw(22) << to_string(fault.kind) << ' ' << std::setw(20)
        << place_name(fault) << ' ';
    count(hits);
  });
  out << rows.size() << " rows, " << rare_rows(least) << " of them taken fewer than " << least
      << " times; " << rare_cells(least) << " cells and " << rare_faults(least)
      << " faults likewise\n";
  out << runs << " runs, " << sessions << " sessions, "
      << (runs == 0 ? 0.0 : static_cast<double>(writers) / static_cast<double>(runs))
      << " writers and "
      << (runs == 0 ? 0.0 : static_cast<double>(volumes) / static_cast<double>(runs))
      << " volumes on average, " << events << " events\n";
}

}  // namespace stillframe::testkit
