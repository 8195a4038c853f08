#include "requestor/cli/terminal.hpp"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace stillframe::cli {
namespace {

std::string next_step(const Error& error) {
  const RetryAdvice advice = error.retry_advice();
  switch (advice.kind) {
    case RetryClass::retry_later:
      return fmt::format("worth another try in {} s", advice.delay.count());
    case RetryClass::retry_when_free:
      return "try again when it is free";
    case RetryClass::change_then_retry:
      return "mend the cause, then try again";
    case RetryClass::fatal_for_writer:
      return "look at the writer, or leave it out with --exclude";
    case RetryClass::programming_error:
      return "";
  }
  return "";
}

}  // namespace

void Terminal::print(std::string_view text) {
  end_progress();
  fmt::print(out_, "{}\n", text);
  std::fflush(out_);
}

void Terminal::print_json(const nlohmann::json& value) {
  print(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void Terminal::print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    print(line);
  }
}

void Terminal::write_error_line(std::string_view text) {
  end_progress();
  fmt::print(err_, "stillframe: {}\n", text);
  std::fflush(err_);
}

void Terminal::note(std::string_view text) {
  if (!options_.quiet) write_error_line(text);
}

void Terminal::verbose(std::string_view text) {
  if (options_.verbose) write_error_line(text);
}

void Terminal::warning(const std::string& message) {
  write_error_line("warning: " + message);
}

int Terminal::fail(const Error& error) {
  const Exit code = exit_for(error.code());
  if (options_.json) {
    print_json({{"error",
                 {{"code", to_string(error.code())},
                  {"message", error.what()},
                  {"retry", to_string(error.retry_advice().kind)},
                  {"exit", to_int(code)}}}});
  }
  const std::string next = next_step(error);
  write_error_line(fmt::format("{} ({}){}{}", error.what(), to_string(error.code()),
                               next.empty() ? "" : "; ", next));
  return to_int(code);
}

void Terminal::progress(const std::string& phase, const std::string& who, std::uint64_t done,
                        std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  if (options_.quiet) return;
  const std::string name = who.empty() ? phase : phase + " " + who;
  if (!interactive_) {
    if (options_.verbose && name != phase_) fmt::print(err_, "stillframe: {}\n", name);
    phase_ = name;
    return;
  }
  if (total == 0) {
    fmt::print(err_, "\r\033[K{}", name);
  } else {
    constexpr std::size_t kBarCells = 30;
    const std::size_t full = static_cast<std::size_t>(static_cast<double>(std::min(done, total)) /
                                                      static_cast<double>(total) * kBarCells);
    fmt::print(err_, "\r\033[K{} [{:#<{}}{:.<{}}] {} of {}", name, "", full, "", kBarCells - full,
               bytes_text(done), bytes_text(total));
  }
  std::fflush(err_);
  drawn_ = true;
}

void Terminal::end_progress() {
  const std::lock_guard lock(mutex_);
  if (drawn_) fmt::print(err_, "\r\033[K");
  drawn_ = false;
}

std::string bytes_text(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string time_text(WallTime time) {
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(time.since_epoch()).count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text;
}

std::string milliseconds_text(Duration duration) {
  return fmt::format("{:.1f} ms", static_cast<double>(duration.count()) / 1e6);
}

}  // namespace stillframe::cli
