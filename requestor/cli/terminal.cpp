#include "requestor/cli/terminal.hpp"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/ioctl.h>
#include <unistd.h>

namespace stillframe::cli {
namespace {

constexpr Duration kRedrawAfter = std::chrono::milliseconds(100);
constexpr Duration kEstimateAfter = std::chrono::seconds(1);

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

bool Terminal::draws_pictures() const noexcept {
  return !options_.json && isatty(fileno(out_)) == 1;
}

Terminal::Size Terminal::size() const {
  winsize window{};
  Size size;
  if (ioctl(fileno(out_), TIOCGWINSZ, &window) == 0 && window.ws_row > 0 && window.ws_col > 0)
    size = {window.ws_row, window.ws_col};
  return size;
}

// From the top left corner, each line cleared behind its end and everything below the last one.
void Terminal::print_picture(const std::vector<std::string>& lines) {
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i)
    text += (i > 0 ? "\r\n" : "") + lines[i] + "\x1b[K";
  text += "\x1b[J";
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);
}

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

std::string Terminal::progress_line(const std::string& name, std::uint64_t done,
                                    std::uint64_t total) const {
  if (total == 0) return name;
  constexpr std::size_t kBarCells = 30;
  const double share = static_cast<double>(std::min(done, total)) / static_cast<double>(total);
  const auto full = static_cast<std::size_t>(share * kBarCells);
  std::string line =
      fmt::format("{} [{:#<{}}{:.<{}}] {:3.0f}% {} of {}", name, "", full, "", kBarCells - full,
                  share * 100, bytes_text(done), bytes_text(total));
  // The first moments say little about the rest.
  const Duration spent = clock_.now() - phase_begun_;
  if (spent < kEstimateAfter || share <= 0) return line;
  const double seconds = static_cast<double>(spent.count()) / 1e9;
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(done) / seconds);
  const auto left = std::chrono::duration<double>(seconds * (1 - share) / share);
  return line + fmt::format(", {}/s, {} left", bytes_text(rate),
                            left_text(std::chrono::duration_cast<Duration>(left)));
}

void Terminal::progress(const std::string& phase, const std::string& who, std::uint64_t done,
                        std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  if (options_.quiet) return;
  const std::string name = who.empty() ? phase : phase + " " + who;
  const bool is_new = name != phase_;
  const BootTime now = clock_.now();
  if (is_new) phase_begun_ = now;
  phase_ = name;
  if (!interactive_) {
    if (options_.verbose && is_new) fmt::print(err_, "stillframe: {}\n", name);
    return;
  }
  // Every piece of every file is told; nobody can read that many lines.
  const bool last = total != 0 && done >= total;
  if (!is_new && !last && drawn_ && now - last_drawn_ < kRedrawAfter) return;
  last_drawn_ = now;
  fmt::print(err_, "\r\033[K{}", progress_line(name, done, total));
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

std::string left_text(Duration duration) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(duration).count();
  const auto hours = seconds / 3600, minutes = seconds / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, seconds % 60);
  return fmt::format("{}:{:02}", minutes, seconds % 60);
}

std::string milliseconds_text(Duration duration) {
  return fmt::format("{:.1f} ms", static_cast<double>(duration.count()) / 1e6);
}

}  // namespace stillframe::cli
