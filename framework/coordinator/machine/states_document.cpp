#include "framework/coordinator/machine/states_document.hpp"

#include <sstream>

#include "framework/coordinator/machine/limits.hpp"
#include "framework/coordinator/machine/machine.hpp"

namespace stillframe::machine {
namespace {

constexpr std::string_view kIntroduction = R"(# The states of a session

Printed by `stillframe-print-states` from the transition table in `framework/coordinator/machine/table_rows.cpp`; a
test compares the two. Do not edit.

A session is in one phase at a time. An event takes the first row of its (phase, event) cell whose guard holds; the
row's effects run in their order and the session enters the next phase. *stays* means that the phase's timer runs on.
A *waiting* phase that has nothing outstanding raises `settled` by itself; a *home* phase waits for the requestor.

What has no row has a default:

* a request is answered `wrong_state`, with a message that names the phase and the requests it permits;
* an answer or a timer that nobody waits for any more (its sequence number is stale) is ignored, except that a writer
  that froze late is told to thaw and a provider that cut late is told to abort;
* an answer to such a thaw or abort, and to the abort of a writer left behind, only settles that debt;
* every other event is ignored.
)";

std::string bound_text(Bound bound) {
  if (bound == Bound::none) return "-";
  const Duration limit = bound == Bound::commit ? Limits{}.commit : limit_of(Limits{}, bound);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
  return std::string(to_string(bound)) + ", " + std::to_string(seconds) + " s";
}

std::string_view kind_text(PhaseKind kind) {
  switch (kind) {
    case PhaseKind::home:
      return "home";
    case PhaseKind::waiting:
      return "waiting";
    case PhaseKind::over:
      return "over";
  }
  return "";
}

void print_phases(std::ostream& out) {
  out << "\n## Phases\n\n| phase | kind | bound | meaning |\n| --- | --- | --- | --- |\n";
  for (int i = 0; i < kPhases; ++i) {
    const PhaseInfo& phase = info(static_cast<Phase>(i));
    out << "| `" << phase.name << "` | " << kind_text(phase.kind) << " | "
        << bound_text(phase.bound) << " | " << phase.meaning << " |\n";
  }
}

void print_row(const Row& row, std::ostream& out) {
  out << "| `" << to_string(row.event) << "` | "
      << (row.guard == Guard::always ? std::string() : std::string(to_string(row.guard))) << " | "
      << (row.stays ? std::string("*stays*") : "`" + std::string(to_string(row.next)) + "`")
      << " | ";
  std::string_view separator;
  for (Effect effect : row.effects) {
    if (effect == Effect::none) break;
    out << separator << to_string(effect);
    separator = ", ";
  }
  out << " |\n";
}

void print_rows(const Table& table, Phase phase, std::ostream& out) {
  out << "\n### " << to_string(phase) << "\n\n| event | if | next | effects |\n"
      << "| --- | --- | --- | --- |\n";
  for (int event = 0; event < kEventKinds; ++event) {
    for (RowIndex index : table.at(phase, static_cast<EventKind>(event))) {
      print_row(table.rows()[index], out);
    }
  }
}

}  // namespace

std::string states_document(const Table& table) {
  std::ostringstream out;
  out << kIntroduction;
  print_phases(out);
  out << "\n## Rows\n\n" << table.rows().size() << " rows.\n";
  for (int i = 0; i < kPhases; ++i) print_rows(table, static_cast<Phase>(i), out);
  return out.str();
}

}  // namespace stillframe::machine
