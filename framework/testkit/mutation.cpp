#include "framework/testkit/mutation.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stillframe::testkit {
namespace {

using machine::Effect;
using machine::Phase;
using machine::Row;

// A phase that the row does not go to; which one varies with the row, so that all kinds are tried.
Phase other_phase(const Row& row, std::size_t index) {
  const auto actual = row.stays ? row.phase : row.next;
  auto other =
      static_cast<int>((static_cast<std::size_t>(actual) + 1 + index * 7) % machine::kPhases);
  if (static_cast<Phase>(other) == actual) other = (other + 1) % machine::kPhases;
  return static_cast<Phase>(other);
}

std::optional<Finding> hunt(const machine::Table& table, Bug bug, std::uint64_t seeds,
                            std::uint64_t first_seed) {
  World world;
  Plan plan;
  RunOptions options;
  options.table = &table;
  options.bug = bug;
  for (std::uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    make_plan(seed, plan);
    if (auto violation = world.run(plan, options)) return Finding{seed, *violation};
  }
  return std::nullopt;
}

}  // namespace

std::vector<Mutant> all_mutants() {
  std::vector<Mutant> mutants;
  const auto& rows = machine::session_table().rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<machine::RowIndex>(i);
    mutants.push_back({row, -1, other_phase(rows[i], i)});
    for (std::size_t k = 0; k < machine::kEffectsMax && rows[i].effects[k] != Effect::none; ++k) {
      mutants.push_back({row, static_cast<int>(k), rows[i].next});
    }
  }
  return mutants;
}

machine::Table apply(const Mutant& mutant) {
  std::vector<Row> rows = machine::session_table().rows();
  Row& row = rows[mutant.row];
  if (mutant.dropped < 0) {
    row.next = mutant.next;
    row.stays = false;
  } else {
    const auto dropped = static_cast<std::size_t>(mutant.dropped);
    for (std::size_t i = dropped; i + 1 < machine::kEffectsMax; ++i)
      row.effects[i] = row.effects[i + 1];
    row.effects.back() = Effect::none;
  }
  return machine::Table(std::move(rows));
}

std::string name_of(const Mutant& mutant) {
  const Row& row = machine::session_table().rows()[mutant.row];
  std::string name = std::string(to_string(row.phase)) + " / " + std::string(to_string(row.event)) +
                     " / " + std::string(to_string(row.guard)) + ": ";
  if (mutant.dropped < 0) return name + "to another phase";
  return name + "without " +
         std::string(to_string(row.effects[static_cast<std::size_t>(mutant.dropped)]));
}

bool is_caught(const Mutant& mutant, std::uint64_t seeds, std::uint64_t first_seed) {
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) ::dup2(null, STDERR_FILENO);
    ::_exit(hunt(mutant, seeds, first_seed) ? 1 : 0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

std::optional<Finding> hunt(const Mutant& mutant, std::uint64_t seeds, std::uint64_t first_seed) {
  return hunt(apply(mutant), Bug::none, seeds, first_seed);
}

std::optional<Finding> hunt(Bug bug, std::uint64_t seeds, std::uint64_t first_seed) {
  return hunt(machine::session_table(), bug, seeds, first_seed);
}

}  // namespace stillframe::testkit
