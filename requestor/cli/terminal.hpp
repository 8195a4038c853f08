// Where results, messages and progress go. Results are the program's output; everything else is on
// standard error, so that a pipe gets results only.
#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "requestor/backup/backup_run.hpp"
#include "requestor/cli/exit_code.hpp"
#include "requestor/cli/invocation.hpp"

namespace stillframe::cli {

class Terminal final : public requestor::RunObserver {
 public:
  // `out` and `err` stay open for its life; a progress line is drawn when `interactive`.
  // `clock` is for the time that is left.
  Terminal(std::FILE* out, std::FILE* err, const GlobalOptions& options, bool interactive,
           const Clock& clock = system_clock())
      : out_(out), err_(err), options_(options), interactive_(interactive), clock_(clock) {}

  bool json() const noexcept { return options_.json; }
  // Whether results go to a terminal that shows a whole picture at a time.
  bool draws_pictures() const noexcept;
  // Takes the place of the picture before; results only.
  void print_picture(const std::vector<std::string>& lines);
  struct Size {
    std::size_t lines = 24, columns = 80;
  };
  Size size() const;

  void print(std::string_view text);  // a line of the result
  void print_json(const nlohmann::json& value);
  // Columns as wide as their widest cell; the first row is the heading.
  void print_table(const std::vector<std::vector<std::string>>& rows);
  void note(std::string_view text);  // for people, unless --quiet
  void verbose(std::string_view text);
  // Prints what went wrong and what to do next; answers the exit code.
  int fail(const Error& error);

  void progress(const std::string& phase, const std::string& who, std::uint64_t done,
                std::uint64_t total) override;
  void warning(const std::string& message) override;
  void remark(const std::string& message) override { verbose(message); }
  void end_progress();

 private:
  void write_error_line(std::string_view text);
  std::string progress_line(const std::string& name, std::uint64_t done, std::uint64_t total) const;

  std::FILE* const out_;
  std::FILE* const err_;
  const GlobalOptions options_;
  const bool interactive_;
  const Clock& clock_;
  std::mutex mutex_;  // of what follows
  std::string phase_;
  BootTime phase_begun_, last_drawn_;
  bool drawn_ = false;
};

std::string bytes_text(std::uint64_t bytes);       // "3.2 MiB"
std::string time_text(WallTime time);              // "2026-11-21 10:40:03 UTC"
std::string milliseconds_text(Duration duration);  // "12.3 ms"
std::string left_text(Duration duration);          // "3:07" or "1:02:40"

}  // namespace stillframe::cli
